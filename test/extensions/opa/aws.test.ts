import { expect, test } from 'vitest'
import { aws } from '../../../extensions/opa/aws.ts'
import { compare, disagreements, type Call } from './oracle.ts'

const config = { aws_service: 's3', aws_access_key: 'AK', aws_secret_access_key: 'SK', aws_region: 'eu-central-1' }

const call = (request: unknown, options: unknown = config, time = 1_440_938_160_000_000_000n): Call => [
  'providers.aws.sign_req',
  JSON.stringify(request),
  JSON.stringify(options),
  `${time}`,
]

const urls = [
  'https://example.com',
  'http://example.com/a b/c%2fd?x=1&y= z#f',
  'https://user:p%40w@h:80/x',
  'HTTP://H/%7Ea',
  '//h/x',
  'x:y',
  '*',
  'http://[::1]:8080/é',
  'http://[::1%25eth0]/',
  'http://[1.2.3.4]/',
  'http://h%41/',
  'http://h%C3%A9/',
  'http://h:1:2/',
  'x://h:1:2/',
  'http://h:port/',
  'http://h/%zz',
  'http://h/#%zz',
  'http://h/a?',
  'http://h/a;b=c,d$&\'()*+!@:~_-.[x]{y}|^`"',
  'http:///x',
  ':x',
  'a/b:c',
  'a:b/c',
  'http://h/\u0001',
  'http://h/%E2%82',
]

test('requests are signed as OPA signs them, whatever the URL', async () => {
  const requests = urls.map((url) => call({ method: 'get', url }))
  expect(await disagreements(aws, requests)).toEqual([])
})

test('headers and bodies count, some headers do not', async () => {
  const request = { method: 'POST', url: 'https://h/x' }
  const headers = { 'X-A': '1', Authorization: 'old', 'User-Agent': 'u', HOST: 'other', n: 1 }
  const calls = [
    call({ ...request, headers, body: { a: '<é>', b: [1.5, {}] } }),
    call({ ...request, raw_body: 'raw', body: 'ignored' }),
    call({ ...request, raw_body: 1 }),
    call({ ...request, body: null }),
    ...[{ aws_service: 'glacier' }, { aws_service: 'sns', disable_payload_signing: true }].map((more) =>
      call({ ...request, body: 1 }, { ...config, ...more }),
    ),
    call(request, { ...config, aws_session_token: 'token' }),
    call(request, { ...config, aws_session_token: 1, more: 1 }),
    call(request, config, 0n),
    call(request, config, -1_000_000_001n),
  ]
  expect(await disagreements(aws, calls)).toEqual([])
})

test('what OPA refuses is undefined', async () => {
  const request = { method: 'GET', url: 'https://h/x' }
  const calls = [
    call({}),
    call({ method: 'GET' }),
    call({ ...request, method: 1 }),
    call({ ...request, unknown: 1 }),
    call({ ...request, headers: null }),
    call({ ...request, headers: [] }),
    call(request, {}),
    call(request, { ...config, aws_region: 1 }),
    call(request, { ...config, disable_payload_signing: 1 }),
  ]
  const answers = await compare(aws, calls)
  expect(answers.flatMap(({ opa, ours }) => [opa, ours])).toEqual(calls.flatMap(() => ['undefined', 'undefined']))
})
