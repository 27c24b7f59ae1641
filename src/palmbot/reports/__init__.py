"""Self-contained HTML reports with plots, for people.

May import `core` and `domain`. Renders what it is given; computes no figure of its own.
Start with `demo_run.DemoRun`, what a report is made of, and `demo_report.render_demo_report`;
`page` is the frame of every page, `page_file` puts it on disk.
"""
