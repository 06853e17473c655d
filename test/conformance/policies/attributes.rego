package generated

level := "high" if {
	input.amount > 1000
} else := "middle" if {
	input.amount > 100
} else := "low"

all_even if every n in input.numbers { n % 2 == 0 }

any_large if {
	some n in input.numbers
	n >= 100
}

same_owner if input.owner == input.user

not_owner if not same_owner

by_kind[kind] contains name if {
	some item in input.items
	kind := item.kind
	name := item.name
}

names := [item.name | some item in input.items; item.kind != "hidden"]

first := input.items[0].name

pairs contains [a.name, b.name] if {
	some a in input.items
	some b in input.items
	a.kind == b.kind
	a.name < b.name
}

label := object.get(input, ["meta", "label"], "none")
