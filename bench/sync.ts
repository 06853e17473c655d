/**
 * Syncing: a repository of many different policies over `file://`, first cycle, a cycle without changes, and the way from
 * a signed webhook to the changed decision; then what a loaded policy takes in memory.
 */
import { createHmac } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEdict } from './http.ts'
import { writeGenerated, writeSubject } from './policies.ts'
import { median, round, type Figures } from './report.ts'

const secret = 'bench-webhook-secret'
const identity = ['-c', 'user.name=bench', '-c', 'user.email=bench@example.org', '-c', 'commit.gpgsign=false']

const createRepository = (): { root: string; commit: (message: string) => void } => {
  const root = mkdtempSync(join(tmpdir(), 'edict-bench-repo-'))
  const git = (...args: string[]) => execFileSync('git', ['-C', root, ...identity, ...args], { stdio: 'ignore' })
  git('init', '-q', '-b', 'main')
  return {
    root,
    commit: (message) => {
      git('add', '-A')
      git('commit', '-q', '-m', message)
    },
  }
}

const residentKb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN)

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now()
  await work()
  return performance.now() - start
}

export const measureSync = async ({ quick }: { quick: boolean }): Promise<Figures> => {
  const policies = quick ? 150 : 1000
  const repository = createRepository()
  writeSubject(repository.root)
  repository.commit('one policy')
  const server = await startEdict('', {
    EDICT_DIRECTORY: '',
    POLICY_REPO: `file://${repository.root}`,
    EDICT_SOURCE: 'bench',
    SYNC_INTERVAL: '1h',
    EDICT_WEBHOOK_SECRET: secret,
  })
  const base = `http://127.0.0.1:${server.port}`
  const sync = async () => {
    const response = await fetch(`${base}/api/sources/bench/sync?wait=300`, { method: 'POST' })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`sync answered ${response.status}: ${text}`)
  }
  const evaluate = async (index: number): Promise<string> => {
    const body = JSON.stringify({ tenant: `tenant-${index}`, roles: ['admin'], amount: 5 })
    const response = await fetch(`${base}/policy/bench/p${index}/1.0/evaluation`, { method: 'POST', body })
    const text = await response.text()
    if (!response.ok) throw new Error(`p${index} answered ${response.status}: ${text}`)
    return text
  }
  try {
    writeGenerated(repository.root, policies - 1)
    repository.commit('many policies')
    const first = await timed(sync)
    const noop: number[] = []
    for (let repeat = 0; repeat < 5; repeat++) noop.push(await timed(sync))

    const hook = async (mark: string): Promise<void> => {
      const body = JSON.stringify({ ref: 'refs/heads/main', mark })
      const signature = createHmac('sha256', secret).update(body).digest('hex')
      const headers = {
        'x-hub-signature-256': `sha256=${signature}`,
        'x-github-event': 'push',
        'x-github-delivery': mark,
      }
      const response = await fetch(`${base}/api/sources/bench/webhook`, { method: 'POST', body, headers })
      if (response.status !== 202) throw new Error(`webhook answered ${response.status}: ${await response.text()}`)
      while (!(await evaluate(0)).includes(mark)) await sleep(2)
    }
    const webhooks: number[] = []
    const path = join(repository.root, 'bench/p0/1.0/policy.rego')
    const original = readFileSync(path, 'utf8')
    for (let repeat = 0; repeat < 5; repeat++) {
      writeFileSync(path, `${original}\nmark := "mark-${repeat}"\n`)
      repository.commit(`mark ${repeat}`)
      webhooks.push(await timed(() => hook(`mark-${repeat}`)))
    }

    const before = residentKb(server.pid)
    for (let index = 0; index < policies - 1; index++) await evaluate(index)
    const perPolicy = (residentKb(server.pid) - before) / (policies - 1)
    return {
      sync: {
        policies,
        first_s: round(first / 1000),
        noop_s: round(median(noop) / 1000, 3),
        webhook_to_decision_ms: Math.round(median(webhooks)),
      },
      memory: { per_policy_kb: Math.round(perPolicy), resident_mb: Math.round(residentKb(server.pid) / 1024) },
    }
  } finally {
    await server.stop()
  }
}
