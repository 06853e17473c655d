/** A decision for builtins that are called directly. */
import type { DecisionContext, RequestContext } from '../../extensions/extension.ts'
import { createDecision, type DecisionOptions } from '../../src/engine/decision.ts'

export const contextOf = ({
  header = () => '',
  labels = {},
  clock = () => 0n,
}: Partial<RequestContext & DecisionOptions> = {}): DecisionContext => createDecision({ header }, { labels, clock })
