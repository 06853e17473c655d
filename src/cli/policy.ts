/** `edict policy …`: for people who write policies. A directory is enough: neither a server nor a database is needed. */
import type { AddCommand } from './context.ts'
import { addBench } from './policy/bench.ts'
import { addEval } from './policy/eval.ts'
import { addExplain } from './policy/explain.ts'
import { addFmt } from './policy/fmt.ts'
import { addNew } from './policy/new.ts'
import { addTest } from './policy/test.ts'
import { addValidate } from './policy/validate.ts'

const commands: readonly AddCommand[] = [addValidate, addTest, addExplain, addEval, addFmt, addNew, addBench]

export const addPolicy: AddCommand = (program, context) => {
  const policy = program.command('policy').description('check, test and try the policies of a directory')
  for (const add of commands) add(policy, context)
}
