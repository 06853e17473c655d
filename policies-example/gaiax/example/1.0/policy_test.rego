package gaiax.example

test_greeting {
	allow with input as {"message": "hello world"}
}

test_anything_else {
	not allow with input as {"message": "hello"}
}

test_name_comes_from_the_data {
	name == "some name" with data.name as "some name"
}
