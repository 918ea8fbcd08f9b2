/** A server in a process of its own that loses a part of itself when its parent names one. */
import { startTrunkline } from '../../src/app.ts'
import type { PartName } from '../../src/core/border.ts'

const [dataDir = ''] = process.argv.slice(2)
const settings = { 'server.port': '0', 'server.ui_port': '0', 'log.level': 'debug' }
const trunkline = await startTrunkline({ flags: { dataDir, settings, terminal: false }, environment: process.env })
process.on('message', (name: PartName | 'stop') => {
  if (name !== 'stop') trunkline.parts[name].restart()
  else void trunkline.stop(1_000).then(() => process.exit(0))
})
process.send?.(trunkline.url)
