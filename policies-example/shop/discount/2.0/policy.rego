# The discount on an order, in percent. Version 2.0: by the sum and the customer; the better one counts.
# Both versions answer side by side: a shop moves to this one when it is ready.
#
# Input: {"total": 120, "customer": {"level": "gold"}}
package shop.discount

percent := max({p | some p in offers})

offers contains 0

offers contains offer.percent if {
	some offer in data.sums
	input.total >= offer.from
}

offers contains data.levels[input.customer.level]
