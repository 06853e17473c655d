# The discount on an order, in percent. Version 1.0: by the sum alone.
#
# Input: {"total": 120}
package shop.discount

default percent := 0

percent := 5 if input.total >= 100
