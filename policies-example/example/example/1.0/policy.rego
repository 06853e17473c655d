# Reads a header of the request. Its name is written in Go's canonical form: `authorization` would find nothing.
package example.example

auth := get_header("Authorization")
