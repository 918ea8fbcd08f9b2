import type { SettingKey } from '../../src/config/settings.ts'
import { type Faulty, startFaulty } from './faulty-upstream.ts'
import { startTest, type TestTrunkline } from './trunkline.ts'

export interface Setup extends AsyncDisposable {
  readonly faulty: Faulty
  readonly trunkline: TestTrunkline
}

/** A faulty provider, and a Trunkline before it. */
export async function setUp(settings: Partial<Record<SettingKey, string>> = {}): Promise<Setup> {
  const resources = new AsyncDisposableStack()
  const faulty = resources.use(await startFaulty())
  const trunkline = resources.use(
    await startTest({ settings: { 'providers.openai.base_url': faulty.url, ...settings } }),
  )
  return { faulty, trunkline, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}
