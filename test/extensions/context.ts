/** A decision for builtins that are called directly. */
import type { DecisionContext, RequestContext } from '../../extensions/extension.ts'
import { createDecision, defaultSettings, type NewDecision } from '../../src/engine/decision.ts'
import { defaultLimits } from '../../src/engine/limits.ts'

export const contextOf = ({
  header = () => '',
  ...options
}: Partial<RequestContext & NewDecision> = {}): DecisionContext => {
  const defaults = { ...defaultSettings, labels: {}, clock: () => 0n, ruleNames: new Map(), limits: defaultLimits }
  return createDecision({ header }, { ...defaults, ...options }).context
}
