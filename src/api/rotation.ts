import { z } from '@hono/zod-openapi'
import { route } from './route.ts'

const Rotation = z
  .strictObject({
    credentials: z.int().min(0).openapi({ description: 'How many there are, in all projects together.' }),
    key_id: z.string().openapi({ description: 'Which master key they are under now.' }),
  })
  .openapi('Rotation')

export const rotateCredentials = route({
  method: 'post',
  path: '/api/credentials/rotate',
  scope: 'operator',
  operationId: 'rotateCredentials',
  tag: 'Credentials',
  summary: 'Put all credentials under a new master key',
  description:
    'All of them or none. A key file gets a new key and loses the old one; where the environment has the key, it has to have the new one, and the old one as TRUNKLINE_MASTER_KEY_PREVIOUS.',
  errors: ['conflict'],
  answers: { 200: Rotation },
  answerExample: { credentials: 3, key_id: '1f0a9c2e5b7d4860' },
  async handle(_, deps) {
    const { credentials, keyId } = await deps.stores.credentials.rotate()
    await deps.changed()
    return { body: { credentials, key_id: keyId } }
  },
})
