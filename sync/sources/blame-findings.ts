/** Puts into findings which commit and author last touched the file that each is about. Asks the history once per file. */
import type { Finding, PolicyStatus } from '../../src/policy/schema.ts'
import type { Source } from './source.ts'

/** More files than this in one cycle are left with the fragment's own commit. */
const mostFiles = 200

/** A test is not what broke it: the commit at which it failed first is named. */
export const isOfItsFile = ({ code }: Finding): boolean => code !== 'test_failed'

export interface Blamer {
  readonly findings: (findings: readonly Finding[]) => Promise<Finding[]>
  /** A quarantined status also says whose change it was. */
  readonly status: (status: PolicyStatus) => Promise<PolicyStatus>
}

export function createBlamer(sources: ReadonlyMap<string, Source>, commits: ReadonlyMap<string, string>): Blamer {
  const asked = new Set<string>()

  async function one(finding: Finding): Promise<Finding> {
    const { source, file } = finding
    const commit = finding.commit ?? commits.get(source)
    if (file === undefined || commit === undefined || !isOfItsFile(finding)) return finding
    const key = `${source}\0${file}`
    if (!asked.has(key) && asked.size >= mostFiles) return finding
    asked.add(key)
    const blame = await sources.get(source)?.blame(file, commit)
    return blame == null ? finding : { ...finding, commit: blame.commit, author: blame.author }
  }

  /** One after another: each question is a git process. */
  async function all(findings: readonly Finding[]): Promise<Finding[]> {
    const blamed: Finding[] = []
    // oxlint-disable-next-line no-await-in-loop
    for (const finding of findings) blamed.push(await one(finding))
    return blamed
  }

  return {
    findings: all,
    async status(status) {
      if (status.findings.length === 0) return status
      const findings = await all(status.findings)
      const cause = findings.find(({ severity, file }) => severity === 'error' && file !== undefined)
      if (status.phase !== 'Quarantined' || cause?.commit === undefined) return { ...status, findings }
      return { ...status, findings, commit: cause.commit, ...(cause.author !== undefined && { author: cause.author }) }
    },
  }
}
