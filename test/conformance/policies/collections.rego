package generated

x := {v | some v in input.x}

y := {v | some v in input.y}

combined := [(x | y), x & y, x - y, y - x]

nested := union({x, y})

common := intersection({x, y})

slice := array.slice(input.x, input.from, input.to)

both := array.concat(input.x, input.y)

backwards := array.reverse(input.x)

merged := object.union(input.o, input.p)

all_merged := object.union_n([input.o, input.p, {"z": 1}])

without := object.remove(input.o, input.x)

only := object.filter(input.o, input.x)

keys := object.keys(input.o)

pruned := json.remove(input.o, ["a/b", "c"])

kept := json.filter(input.o, ["a/b", "c"])

inverted[value] contains key if some key, value in input.o

sizes := [count(x), count(y), count(input.o)]

every_in if every v in input.x { v in input.y }

object_of := {v: [v] | some v in input.x}

reached := graph.reachable({"a": input.x, "b": input.y}, {"a"})
