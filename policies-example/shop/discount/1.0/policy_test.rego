package shop.discount_test

import data.shop.discount

test_small_order if discount.percent == 0 with input as {"total": 99.99}

test_large_order if discount.percent == 5 with input as {"total": 100}
