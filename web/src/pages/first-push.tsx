/** Teaches the first push. The overview takes its place by itself when the first policy is in force. */
import { Link } from '@tanstack/react-router'
import { serverUrl } from '../api/client.ts'
import type { Source } from '../api/types.ts'
import { Findings } from '../parts/findings.tsx'
import { Empty } from '../parts/page.tsx'
import { Snippet } from '../parts/snippet.tsx'
import { State } from '../parts/state.tsx'

const policy = `package example.hello

default allow := false

allow if input.user == "alice"`

const write = `mkdir -p example/hello/1.0
cat > example/hello/1.0/policy.rego <<'REGO'
${policy}
REGO`

const publish = (source: Source | undefined): string =>
  source?.kind === 'git'
    ? `git add example && git commit -m "First policy" && git push`
    : `# ${source?.location ?? 'the folder that Edict follows'} is followed: saving the file is enough`

export const FirstPush = ({ sources }: { readonly sources: readonly Source[] }) => {
  const source = sources.find(({ kind }) => kind !== 'api')
  return (
    <Empty title="No policy yet: push the first one">
      {source === undefined ? (
        <p>
          No source is configured. Name a repository with <code>POLICY_REPO</code> or a folder with{' '}
          <code>EDICT_DIRECTORY</code>, or write an <code>edict.yaml</code>, and start Edict again.
        </p>
      ) : (
        <p className="row">
          Policies come from{' '}
          <Link to="/sources/$name" params={{ name: source.name }}>
            {source.name}
          </Link>{' '}
          (<code>{source.location}</code>) <State word={source.phase} />
        </p>
      )}
      <ol className="stack">
        <li className="stack tight">
          <p>In that repository, write a policy: one folder per group, name and version.</p>
          <Snippet label="the policy" text={write} />
        </li>
        <li className="stack tight">
          <p>Publish it.</p>
          <Snippet label="the push" text={publish(source)} />
        </li>
        <li className="stack tight">
          <p>Ask it. This page turns into the overview by itself when the policy is in force.</p>
          <Snippet
            label="the question"
            text={`curl -d '{"user":"alice"}' ${serverUrl('/policy/example/hello/1.0/evaluation')}`}
          />
        </li>
      </ol>
      {source !== undefined && source.findings.length > 0 && <Findings findings={source.findings} />}
    </Empty>
  )
}
