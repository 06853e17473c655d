/** Who may do what where no rules file is configured: four roles, each with what it is for. Docs: authorization.md. */
import { rulesSchema, type Rules } from './rules.ts'

export const defaultRules: Rules = rulesSchema.parse({
  rules: [
    {
      id: 'viewer',
      roles: ['viewer', 'author', 'operator', 'superuser'],
      actions: ['evaluate', 'read', 'export'],
      scope: 'any',
    },
    {
      id: 'author',
      roles: ['author'],
      actions: ['change', 'lock', 'unlock'],
      scope: { is: 'unprotected', own_groups: true },
    },
    { id: 'operator', roles: ['operator', 'superuser'], actions: ['lock', 'unlock'], scope: 'any' },
    {
      id: 'operator-sync',
      roles: ['operator', 'superuser'],
      actions: ['apply', 'approve', 'rollback', 'source'],
      target_scope: 'any',
    },
    { id: 'superuser', roles: ['superuser'], actions: ['change', 'token'], scope: 'any' },
    { id: 'superuser-admin', roles: ['superuser'], actions: ['admin'] },
  ],
})
