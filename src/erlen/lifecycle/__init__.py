"""The life of a request: its hooks and handlers, the plan compiled of them, and the pipeline that walks the plan."""
