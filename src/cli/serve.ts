import { constants } from 'node:os'
import type { Trunkline } from '../app.ts'
import { dataDirOf } from '../config/settings.ts'
import { version } from '../core/version.ts'
import { type CliCommand, flagsOf, settingOptions } from './command.ts'
import { collectByNeed } from './garbage.ts'

export const serve: CliCommand = {
  name: 'serve',
  summary: 'Run the gateway (what happens without a command, too)',
  examples: [
    ['trunkline', 'on 127.0.0.1:9090, with OPENAI_API_KEY from the environment'],
    ['trunkline serve --port 8080', 'on another port'],
    ['trunkline serve --openai-base-url http://localhost:11434/v1', 'in front of a local Ollama'],
  ],
  define(command) {
    for (const { flag, help, env } of settingOptions) {
      command.option(flag, env.length > 0 ? `${help} (also ${env[0]})` : help)
    }
    command.action(() => run(command.optsWithGlobals()))
  },
}

/**
 * One signal is often delivered twice, to the group and by a parent such as npm, and nothing in it says by whom. What a
 * parent passes on is here within milliseconds; a person is slower.
 */
const sameSignalMs = 300

async function run(options: Readonly<Record<string, unknown>>): Promise<void> {
  const startedMs = performance.now()
  collectByNeed()
  // Only this command needs the whole program.
  const { startTrunkline } = await import('../app.ts')
  const trunkline = await startTrunkline({ flags: flagsOf(options), environment: process.env })
  process.stderr.write(banner(trunkline, Math.round(performance.now() - startedMs)))
  followSignals(trunkline)
}

function banner({ url, uiUrl, config, about }: Trunkline, tookMs: number): string {
  const { isHere, isOpen, configured, ofClients } = about()
  const isUsual = config.dataDir === dataDirOf(undefined, process.env)
  const dataDirFlag = isUsual ? '' : ` --data-dir ${config.dataDir}`
  const given = configured.map(({ name, elsewhere }) => (elsewhere === undefined ? name : `${name} (${elsewhere})`))
  const providers = [
    ...(given.length > 0 ? [given.join(', ')] : []),
    ...(ofClients.length > 0 ? [`${ofClients.join(', ')} with the client's own key`] : []),
    'mock, built in',
  ]
  const calls = isOpen
    ? 'from every program on this machine'
    : `with a client key only${isHere ? '' : `, from other machines too (${config.server.host})`}`
  const key = isOpen ? '' : " -H 'authorization: Bearer tl_…'"
  return `${[
    `Trunkline ${version}, ready in ${tookMs} ms`,
    `  Gateway    ${url}/v1`,
    `  Page       ${uiUrl}  (shows the API)`,
    `  Calls      ${calls}`,
    `  Providers  ${providers.join('; ')}`,
    `  Traces     ${config.dataDir}`,
    `  Try it     curl ${url}/v1/chat/completions -H 'content-type: application/json'${key} -d '{"model":"mock/echo","messages":[{"role":"user","content":"Hello"}]}'`,
    `  Then       trunkline traces list${dataDirFlag}   (Ctrl-C stops)`,
  ].join('\n')}\n`
}

/** How often a stop says for whom it waits: an answer may take minutes. */
const progressMs = 5_000

function followSignals(trunkline: Trunkline): void {
  let firstMs: number | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    if (firstMs !== undefined) {
      if (performance.now() - firstMs > sameSignalMs) process.exit(128 + constants.signals[signal])
      return
    }
    firstMs = performance.now()
    showProgress(trunkline, firstMs)
    trunkline.stop().then(
      () => process.exit(0),
      (thrown: Error) => {
        process.stderr.write(`Trunkline did not stop cleanly: ${thrown.message}\n`)
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  // A terminal that is closed says it like this, too, and takes what runs in it along.
  const isInTerminal = process.stdin.isTTY || process.stdout.isTTY
  process.on('SIGHUP', (signal) => {
    if (isInTerminal) onSignal(signal)
    else trunkline.reload().catch(sayThatItFailed)
  })
}

const sayThatItFailed = ({ message }: Error): void => {
  process.stderr.write(`The configuration could not be read again: ${message}\n`)
}

function showProgress({ running, config }: Trunkline, stoppedMs: number): void {
  const show = (hint: string): void => {
    const calls = running()
    const leftMs = config.server.drainMs - (performance.now() - stoppedMs)
    if (calls === 0 || leftMs <= 0) return
    const seconds = Math.ceil(leftMs / 1000)
    process.stderr.write(
      `Waiting for ${calls} ${calls === 1 ? 'call' : 'calls'} to end, at most ${seconds} s.${hint}\n`,
    )
  }
  show(' Ctrl-C once more ends them now, unrecorded.')
  setInterval(show, progressMs, '').unref()
}
