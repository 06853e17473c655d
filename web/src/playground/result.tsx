/** What a draft answers, how long it took, and the same as a test case. */
import type { UseQueryResult } from '@tanstack/react-query'
import { ApiError } from '../api/client.ts'
import type { DryRun } from '../api/types.ts'
import { Code } from '../editor/code.tsx'
import { Button } from '../parts/button.tsx'
import { Problem } from '../parts/problem.tsx'
import { useSay } from '../parts/toast.tsx'
import type { Draft } from './draft.ts'
import { testCase } from './test-case.ts'

interface ResultProps {
  readonly run: UseQueryResult<DryRun>
  /** What `run` is an answer to. */
  readonly draft: Draft
  /** The data beside the stored policy; null: there is none. */
  readonly data: string | null
  /** Builtins of the outside that it called. */
  readonly unavailable: readonly string[]
}

export const Result = ({ run, refusal, ...asked }: ResultProps & { readonly refusal: string | undefined }) => (
  <section className="stack tight" aria-label="Result" aria-busy={run.isFetching}>
    <h2>Result</h2>
    {refusal !== undefined ? (
      <p className="notice warn">{refusal}; whoever may can try policies here.</p>
    ) : run.error !== null ? (
      <Problem error={isMissing(run.error) ? new Error('This server offers no dry run.') : run.error} />
    ) : run.data === undefined ? (
      <p className="quiet">Evaluating …</p>
    ) : (
      <Outcome run={run.data} {...asked} />
    )}
  </section>
)

type Answered = Omit<ResultProps, 'run'> & { readonly run: DryRun }

const isMissing = (error: Error): boolean => error instanceof ApiError && error.status === 404

const Outcome = ({ run, ...asked }: Answered) => {
  const { ok, error, took, defined } = run
  if (!ok && error === null)
    return <p className="notice bad">It does not compile; the findings stand beside the text.</p>
  return (
    <div className="stack tight">
      {error === null ? (
        <Code
          language="json"
          value={defined ? JSON.stringify(run.result, null, 2) : 'undefined'}
          label="Result, read only"
        />
      ) : (
        <p className="notice bad">
          <code>{error.code}</code> {error.message}
        </p>
      )}
      <div className="row apart">
        <span className="quiet">
          {took !== null &&
            `compiled in ${took.compileMs} ms, evaluated in ${took.evaluateMs} ms${took.cost === null ? '' : `, ${took.cost} units`}`}
        </span>
        <CopyCase run={run} {...asked} />
      </div>
    </div>
  )
}

const CopyCase = (answered: Answered) => {
  const say = useSay()
  const copy = (): void => {
    const name = `from the playground, ${new Date().toISOString().slice(0, 19).replace('T', ' ')}`
    navigator.clipboard.writeText(testCase({ ...answered, name })).then(
      () => say('Copied: paste it under “cases:” in policy.tests.yaml.'),
      () => say('The browser does not allow copying here.', 'bad'),
    )
  }
  return <Button onClick={copy}>Copy as test case</Button>
}
