import module from 'node:module'

const oldest = [24, 15] as const

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  process.stderr.write(`Trunkline needs Node.js ${oldest.join('.')} or newer; this is ${process.versions.node}.\n`)
  process.exitCode = 1
} else {
  // The next start finds the program compiled.
  module.enableCompileCache()
  const { run } = await import('./cli/program.ts')
  await run(process.argv)
}
