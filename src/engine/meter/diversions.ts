/**
 * Builtins that OPA's runtime carries itself and answers otherwise than OPA's Go evaluator does: for such arguments the
 * host is asked. The calls have the numbers `~0`, `~1`, … in the order of this list.
 */
import {
  always,
  type Condition,
  emptySecond,
  foreignText,
  setSecond,
  someText,
  wideItems,
  wideNumber,
  wideNumbers,
} from './conditions.ts'

export interface Diversion {
  /** The function of the runtime. */
  readonly native: `opa_${string}`
  /** The builtin that stands in for it. */
  readonly builtin: string
  readonly when: Condition
}

const diversion = (native: Diversion['native'], builtin: string, when: Condition): Diversion => ({
  native,
  builtin,
  when,
})

export const diversions: readonly Diversion[] = [
  diversion('opa_agg_product', 'product', wideItems),
  diversion('opa_agg_sum', 'sum', wideItems),
  diversion('opa_arith_abs', 'abs', wideNumber),
  diversion('opa_arith_ceil', 'ceil', wideNumber),
  diversion('opa_arith_divide', 'div', always),
  diversion('opa_arith_floor', 'floor', wideNumber),
  diversion('opa_arith_minus', 'minus', wideNumbers),
  diversion('opa_arith_multiply', 'mul', wideNumbers),
  diversion('opa_arith_plus', 'plus', wideNumbers),
  diversion('opa_arith_rem', 'rem', wideNumbers),
  diversion('opa_arith_round', 'round', wideNumber),
  diversion('opa_base64_decode', 'base64.decode', always),
  diversion('opa_cidr_contains', 'net.cidr_contains', always),
  diversion('opa_json_is_valid', 'json.is_valid', always),
  diversion('opa_json_marshal', 'json.marshal', always),
  diversion('opa_json_unmarshal', 'json.unmarshal', always),
  diversion('opa_strings_concat', 'concat', setSecond),
  diversion('opa_strings_format_int', 'format_int', always),
  diversion('opa_strings_indexof', 'indexof', emptySecond),
  diversion('opa_strings_lower', 'lower', foreignText),
  diversion('opa_strings_replace', 'replace', emptySecond),
  diversion('opa_strings_upper', 'upper', foreignText),
  diversion('opa_to_number', 'to_number', someText),
]

/**
 * The function whose calls the host is offered under the next number, for as long as it wants; with 0 it leaves one to
 * the runtime, which compiles a regular expression anew in each evaluation.
 */
export const offered = { native: 'opa_regex_match', id: ~diversions.length } as const
