"""Messages from plain values; runs beside any protobuf, so it imports nothing of the project."""


def fill(message, fields):  # noqa: ANN001, ANN201 - any protobuf of any age
    """Set fields by name: a mapping is a nested message, a list a repeated field."""
    for name, value in fields.items():
        target = getattr(message, name)
        if isinstance(value, dict):
            target.SetInParent()
            fill(target, value)
        elif isinstance(value, list):
            for each in value:
                if isinstance(each, dict):
                    fill(target.add(), each)
                else:
                    target.append(each)
        else:
            setattr(message, name, value)
    return message
