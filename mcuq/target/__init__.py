"""Where a model shall run: boards, chips and SDKs as data, and what a project asks of them."""
