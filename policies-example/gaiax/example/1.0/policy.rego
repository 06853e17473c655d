# Rego v0, as in the Gaia-X corpus: no `if`, and `=` defines.
package gaiax.example

default allow = false

allow {
	input.message == "hello world"
}

name = data.name
