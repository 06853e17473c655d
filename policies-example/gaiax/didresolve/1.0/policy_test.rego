package gaiax.didresolve_test

import data.gaiax.didresolve

test_host_alone if {
	didresolve.url == "https://example.org/.well-known/did.json" with input as {"did": "did:web:example.org"}
}

test_path if {
	didresolve.url == "https://example.org/users/alice/did.json" with input as {"did": "did:web:example.org:users:alice"}
}

test_port if {
	didresolve.url == "https://localhost:8443/.well-known/did.json" with input as {"did": "did:web:localhost%3A8443"}
}

test_other_method_has_no_url if {
	didresolve.method == "key" with input as {"did": "did:key:z6Mk"}
	not didresolve.url with input as {"did": "did:key:z6Mk"}
}

test_not_a_did if {
	not didresolve.valid with input as {"did": "did:web:example.org/../etc"}
	not didresolve.url with input as {"did": "did:web:example.org/../etc"}
	not didresolve.url with input as {}
}
