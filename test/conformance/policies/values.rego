package generated

back := input

kind := type_name(input)

leaves contains [path, value] if {
	[path, value] := walk(input)
	not is_array(value)
	not is_object(value)
}

ordered := sort(input.list)

distinct := {x | some x in input.list}

smaller contains [a, b] if {
	some a in input.list
	some b in input.list
	a < b
}

alike contains i if {
	some i, x in input.list
	x == input.other
}

largest := max(input.list)

smallest := min(input.list)

size := count(input.other)

has if input.other in input.list

kinds := [type_name(x) | is_array(input.list); some x in input.list]

truthy contains i if {
	some i, x in input.list
	x
}

text := json.marshal(input.list)

same := json.unmarshal(text)

parsed := [json.unmarshal(x) | some x in input.list]
