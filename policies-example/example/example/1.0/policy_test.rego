package example.example_test

import data.example.example

# `opa test` has no request: a test puts a function in the place of `get_header`.
headers := {"Authorization": "Bearer of news"}

header(name) := object.get(headers, name, "")

test_header if example.auth == "Bearer of news" with get_header as header

test_no_header if {
	example.auth == "" with headers as {} with get_header as header
}
