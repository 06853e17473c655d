# Role-based access control. The roles are data: a new role needs no change here.
#
# Input: {"user": {"roles": ["editor"]}, "action": "update", "resource": {"type": "article"}}
package access.roles

default allow := false

allow if count(granted_by) > 0

# The roles that grant the request, for the log of whoever asks.
granted_by contains role if {
	some role in input.user.roles
	some grant in data.roles[role].grants
	covers(grant, input)
}

covers(grant, request) if {
	matches(grant.type, request.resource.type)
	some action in grant.actions
	matches(action, request.action)
}

matches("*", _)

matches(value, value)
