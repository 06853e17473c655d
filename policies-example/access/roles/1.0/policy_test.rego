package access.roles_test

import data.access.roles

table := {
	"admin": {"grants": [{"type": "*", "actions": ["*"]}]},
	"reader": {"grants": [{"type": "article", "actions": ["read"]}]},
}

request(user_roles, action, type) := {
	"user": {"roles": user_roles},
	"action": action,
	"resource": {"type": type},
}

test_granted if {
	roles.allow with input as request(["reader"], "read", "article") with data.roles as table
}

test_not_granted if {
	not roles.allow with input as request(["reader"], "delete", "article") with data.roles as table
	not roles.allow with input as request(["nobody"], "read", "article") with data.roles as table
	not roles.allow with input as request([], "read", "article") with data.roles as table
	not roles.allow with data.roles as table
}

test_all_roles_that_grant_are_named if {
	granted := roles.granted_by with input as request(["reader", "admin"], "read", "article") with data.roles as table
	granted == {"reader", "admin"}
}
