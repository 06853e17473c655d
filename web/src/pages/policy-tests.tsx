/** The tests of a policy: what each came to on what is in force, and the files that they stand in. */
import type { Policy, PolicyTests } from '../api/types.ts'
import { Code } from '../editor/code.tsx'
import { Snippet } from '../parts/snippet.tsx'
import { State } from '../parts/state.tsx'
import { Time } from '../parts/time.tsx'
import { countText } from './plan-tests.tsx'

const isTest = (path: string): boolean => path.endsWith('_test.rego') || path === 'policy.tests.yaml'

export const testFiles = ({ files }: Policy): Policy['files'] => files.filter(({ path }) => isTest(path))
export const otherFiles = ({ files }: Policy): Policy['files'] => files.filter(({ path }) => !isTest(path))

const Results = ({ tests }: { readonly tests: PolicyTests }) => (
  <div className="box scroll" tabIndex={0} role="group" aria-label="Results of the tests">
    <table>
      <thead>
        <tr>
          <th scope="col">Result</th>
          <th scope="col">Case</th>
          <th scope="col">File</th>
          <th scope="col" className="number">
            Cost
          </th>
        </tr>
      </thead>
      <tbody>
        {tests.cases.map(({ name, file, line, status, message, cost }) => (
          <tr key={`${file} ${name}`}>
            <td>
              <State word={status} />
            </td>
            <td>
              {name}
              {message !== '' && <div className="quiet">{message}</div>}
            </td>
            <td>
              <code>{`${file.slice(file.lastIndexOf('/') + 1)}:${line}`}</code>
            </td>
            <td className="number">{cost === null ? '–' : `${cost.toLocaleString('en')} units`}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)

const example = `cases:
  - name: what it is about
    input: {}
    expect: { contains: {} }`

export const PolicyTestsTab = ({ policy }: { readonly policy: Policy }) => {
  const files = testFiles(policy)
  const { tests } = policy
  const count = tests === null ? 0 : tests.passed + tests.failed + tests.skipped
  return (
    <div className="stack">
      {tests !== null && (
        <>
          <p>
            {countText(tests)}, when what is in force was compiled: <Time at={tests.at} />.
            {policy.status.phase === 'Quarantined' && ' What was refused since is said above.'}
          </p>
          <Results tests={tests} />
          {count > tests.cases.length && <p className="quiet">and {count - tests.cases.length} more</p>}
        </>
      )}
      {tests === null && files.length > 0 && (
        <p className="notice">
          No result is kept: this source is not tested (<code>tests: false</code>), or it was compiled by an earlier
          version of Edict. The next change of the policy runs them.
        </p>
      )}
      {files.length === 0 && (
        <>
          <p>
            It has no tests. Put a <code>policy.tests.yaml</code> beside it: a policy whose tests fail is not published.
            The playground writes cases for it (“Copy as test case”).
          </p>
          <Snippet label="a tests file" text={example} />
        </>
      )}
      {files.map(({ path, text }) => (
        <section key={path} className="stack tight">
          <h2>
            <code>{path}</code>
          </h2>
          <Code language={path.endsWith('.rego') ? 'rego' : 'plain'} value={text} label={`${path}, read only`} />
        </section>
      ))}
    </div>
  )
}
