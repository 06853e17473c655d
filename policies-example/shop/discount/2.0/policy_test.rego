package shop.discount_test

import data.shop.discount

percent(order) := percent if {
	percent := discount.percent with input as order
		with data.sums as [{"from": 100, "percent": 5}]
		with data.levels as {"gold": 6}
}

test_sum if {
	percent({"total": 10}) == 0
	percent({"total": 100}) == 5
}

test_the_better_offer_counts if {
	percent({"total": 10, "customer": {"level": "gold"}}) == 6
	percent({"total": 100, "customer": {"level": "none"}}) == 5
}
