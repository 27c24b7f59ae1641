"""A language model on loopback that always asks for one tool call, then says that it is done.

Speaks just enough of four wire formats for real agent programs: Anthropic messages, OpenAI
responses, OpenAI chat completions, Gemini content streams. No text of theirs is interpreted.
"""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
FINAL_TEXT = "TODO-BATCH-001: COMPLETED"


@dataclass
class ScriptedModel:
    """What the model answers, and what it was asked."""

    tool_call: Callable[[Sequence[str]], tuple[str, Json] | None]
    """From the names of the offered tools to a call; None: text at once."""
    text: str = FINAL_TEXT
    status: int = 200
    """Of every answer; an error status carries a message of the usual shape."""
    base_url: str = ""
    asked: list[tuple[str, Json]] = field(default_factory=list)
    """Path and body of every request, oldest first."""


@contextmanager
def scripted_model(model: ScriptedModel) -> Iterator[ScriptedModel]:
    """Serve the model on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
            model.asked.append((self.path, body))
            if model.status != 200:
                error = {"type": "error", "error": {"type": "error", "message": "scripted"}}
                self._send(json.dumps(error).encode(), "application/json", model.status)
                return
            kind, content = _answer(model, self.path, body)
            self._send(content, kind, 200)

        def do_GET(self) -> None:
            self._send(b"{}", "application/json", 404)

        def _send(self, content: bytes, kind: str, status: int) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    model.base_url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(model: ScriptedModel, path: str, body: Json) -> tuple[str, bytes]:
    """Return content type and content for one request."""
    path = path.partition("?")[0]
    if path.endswith("/count_tokens"):
        return "application/json", b'{"input_tokens": 10}'
    if path.endswith("/messages"):
        names = [tool["name"] for tool in body.get("tools", ())]
        return "text/event-stream", _anthropic(
            _next(model, names, '"type": "tool_result"', body), model.text
        )
    if path.endswith("/responses"):
        names = [str(tool.get("name", tool["type"])) for tool in body.get("tools", ())]
        call = _next(model, names, '"type": "function_call_output"', body)
        return "text/event-stream", _responses(call, model.text)
    if "GenerateContent" in path or "generateContent" in path:
        names = [
            each["name"]
            for tool in body.get("tools", ())
            for each in tool.get("functionDeclarations", ())
        ]
        chunk = _gemini(_next(model, names, '"functionResponse":', body), model.text)
        if "stream" in path:
            return "text/event-stream", b"data: " + chunk + b"\r\n\r\n"
        return "application/json", chunk
    names = [tool["function"]["name"] for tool in body.get("tools", ())]
    return _chat(
        _next(model, names, '"tool_call_id"', body), model.text, is_stream=bool(body.get("stream"))
    )


def _next(
    model: ScriptedModel, names: Sequence[str], result_mark: str, body: Json
) -> tuple[str, Json] | None:
    """Return the tool call to ask for; None once its result is in the conversation."""
    conversation = {key: value for key, value in body.items() if key != "tools"}
    if not names or result_mark in json.dumps(conversation):
        return None
    return model.tool_call(names)


def _sse(events: Sequence[Json]) -> bytes:
    return b"".join(
        f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in events
    )


def _anthropic(call: tuple[str, Json] | None, text: str) -> bytes:
    usage = {"input_tokens": 10, "output_tokens": 5}
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    if call is None:
        block: Json = {"type": "text", "text": ""}
        delta: Json = {"type": "text_delta", "text": text}
    else:
        block = {"type": "tool_use", "id": "toolu_1", "name": call[0], "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(call[1])}
    reason = "end_turn" if call is None else "tool_use"
    return _sse(
        [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": reason, "stop_sequence": None},
                "usage": {"output_tokens": 5},
            },
            {"type": "message_stop"},
        ]
    )


def _responses(call: tuple[str, Json] | None, text: str) -> bytes:
    if call is None:
        item: Json = {
            "type": "message",
            "role": "assistant",
            "id": "msg_1",
            "content": [{"type": "output_text", "text": text, "annotations": []}],
        }
    else:
        item = {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": call[0],
            "arguments": json.dumps(call[1]),
        }
    usage = {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 15,
    }
    return _sse(
        [
            {"type": "response.created", "response": {"id": "resp_1"}},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": {"id": "resp_1", "usage": usage}},
        ]
    )


def _gemini(call: tuple[str, Json] | None, text: str) -> bytes:
    part: Json = (
        {"text": text}
        if call is None
        else {"functionCall": {"name": call[0], "args": call[1]}, "thoughtSignature": "c2ln"}
    )
    return json.dumps(
        {
            "candidates": [
                {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
            ],
            "usageMetadata": {
                "promptTokenCount": 10,
                "candidatesTokenCount": 5,
                "totalTokenCount": 15,
            },
        }
    ).encode()


def _chat(call: tuple[str, Json] | None, text: str, *, is_stream: bool) -> tuple[str, bytes]:
    reason = "stop" if call is None else "tool_calls"
    said: Json = {"role": "assistant", "content": text}
    if call is not None:
        function = {"name": call[0], "arguments": json.dumps(call[1])}
        calls = [{"index": 0, "id": "call_1", "type": "function", "function": function}]
        said = {"role": "assistant", "content": None, "tool_calls": calls}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    head = {"id": "chat_1", "created": 1, "model": "scripted"}
    if not is_stream:
        choice = {"index": 0, "message": said, "finish_reason": reason}
        whole = head | {"object": "chat.completion", "choices": [choice], "usage": usage}
        return "application/json", json.dumps(whole).encode()
    head["object"] = "chat.completion.chunk"
    chunks = [
        head | {"choices": [{"index": 0, "delta": said, "finish_reason": None}]},
        head | {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": usage},
    ]
    lines = [f"data: {json.dumps(each)}\n\n" for each in chunks] + ["data: [DONE]\n\n"]
    return "text/event-stream", "".join(lines).encode()
