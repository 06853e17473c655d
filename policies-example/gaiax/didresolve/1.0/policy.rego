# Where the DID document of a did:web identifier is found.
# https://w3c-ccg.github.io/did-method-web/#read-resolve
#
# Input: {"did": "did:web:example.org:users:alice"}
package gaiax.didresolve

method := parts[1]

# A did:web identifier with no path is resolved at /.well-known.
url := concat("", ["https://", host, "/.well-known/did.json"]) if {
	method == "web"
	count(parts) == 3
}

url := concat("", ["https://", host, "/", concat("/", path), "/did.json"]) if {
	method == "web"
	count(path) > 0
}

default valid := false

# What stands between two colons: letters, digits, `.`, `-`, `_`, or a byte as %XX.
valid if regex.match(`^did:[a-z0-9]+(:([A-Za-z0-9._-]|%[0-9A-Fa-f]{2})+)+$`, input.did)

# Undefined without a valid identifier, and with it every rule but `valid`.
parts := split(input.did, ":") if valid

# Only the port's colon is written as %3A in a host.
host := replace(parts[2], "%3A", ":")

path := array.slice(parts, 3, count(parts))
