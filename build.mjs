/**
 * Builds dist/: the WebAssembly module, then one bundle a tool (dist/bin), the tests (dist/test).
 *
 *   node build.mjs           what a user needs
 *   node build.mjs --tests   and the tests
 *   node build.mjs --fuzz    and the fuzzer, with coverage (dist/fuzz)
 *   node build.mjs --docs    and SYNOPSIS and OPTIONS of the man pages
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import asc from 'assemblyscript/asc'
import * as esbuild from 'esbuild'
import peggy from 'peggy'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const tools = readdirSync('tools')
  .filter((name) => name.endsWith('.ts'))
  .map((name) => basename(name, '.ts'))

async function webAssembly() {
  mkdirSync('dist', { recursive: true })
  const { error, stderr } = await asc.main([
    'lib/assembly/index.ts',
    ...['--outFile', 'dist/index.wasm', '-O3', '--noAssert', '--enable', 'simd', '--runtime', 'stub'],
    ...['--initialMemory', '4096', '--maximumMemory', '4096'],
  ])
  if (error) throw new Error(`assemblyscript: ${error.message}\n${stderr.toString()}`)
}

/** What runs in the browser: its script, and its style sheet. */
async function reportPage() {
  const { outputFiles } = await esbuild.build({
    entryPoints: ['lib/report/page/main.ts', 'lib/report/page/page.css'],
    outdir: 'dist/page',
    write: false,
    bundle: true,
    minify: true,
    format: 'iife',
    target: ['chrome110', 'firefox115', 'safari16'],
    logLevel: 'warning',
  })
  const text = (end) => JSON.stringify(outputFiles.find(({ path }) => path.endsWith(end)).text.trim())
  return `export const script = ${text('.js')}, style = ${text('.css')}`
}

function parserOf(path) {
  return peggy.generate(readFileSync(path, 'utf8'), {
    output: 'source',
    format: 'es',
    grammarSource: basename(path),
  })
}

/** `*.peggy` becomes its parser, `index.wasm` its bytes. */
const generated = {
  name: 'generated',
  setup(build) {
    build.onLoad({ filter: /\.peggy$/ }, ({ path }) => ({ contents: parserOf(path), loader: 'js' }))
    build.onResolve({ filter: /assembly\/index\.wasm$/ }, () => ({ path: resolve('dist/index.wasm') }))
    build.onResolve({ filter: /^report-page$/ }, ({ path }) => ({ path, namespace: 'page' }))
    build.onLoad({ filter: /.*/, namespace: 'page' }, async () => ({ contents: await reportPage(), loader: 'js' }))
    // a tool's file declares the tool; what runs it is written here, once
    build.onResolve({ filter: /^(run|all-tools)(:|$)/ }, ({ path }) => ({ path, namespace: 'entry' }))
    build.onLoad({ filter: /^run:/, namespace: 'entry' }, ({ path }) => ({
      contents: `import { run } from './lib/cli/run.ts'\nimport tool from './tools/${path.slice(4)}.ts'\nrun(tool)`,
      resolveDir: process.cwd(),
      loader: 'ts',
    }))
    build.onLoad({ filter: /^all-tools$/, namespace: 'entry' }, () => ({
      contents: `export default {${tools.filter((t) => t !== 'vmpipe').map((t) => `${JSON.stringify(t)}: () => import('./tools/${t}.ts')`)}}`,
      resolveDir: process.cwd(),
      loader: 'ts',
    }))
  },
}

const options = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  loader: { '.wasm': 'binary' },
  define: { VERSION: JSON.stringify(version) },
  plugins: [generated],
  logLevel: 'warning',
  legalComments: 'none',
}

/** yargs asks for wide characters only to align its help; the readable-stream copies are Node's own streams. */
const alias = { 'string-width': resolve('lib/cli/string-width.ts'), 'readable-stream': 'node:stream' }

/** The named export is what import() of a CommonJS file can see. */
const large = {
  'hdr-histogram-js': {
    file: 'hdr-histogram.js',
    contents: `export { build, encodeIntoCompressedBase64 } from 'hdr-histogram-js'`,
  },
  './nats-client.js': { file: 'nats.js', contents: `export * from './lib/transport/nats-client.ts'` },
  fzstd: { file: 'zstd.js', contents: `export { decompress } from 'fzstd'` },
}

/** What only some runs need, and is large, is a bundle of its own beside the tools. */
const apart = {
  name: 'apart',
  setup(build) {
    for (const [name, { file }] of Object.entries(large))
      build.onResolve({ filter: new RegExp(`^${name.replaceAll('.', '\\.')}$`) }, () => ({
        path: `./${file}`,
        external: true,
      }))
    // 70 MB that few want: whoever wants it installs it beside
    build.onResolve({ filter: /^@duckdb\/node-api$/ }, ({ path }) => ({ path, external: true }))
  },
}

async function bundleTools() {
  mkdirSync('dist/bin', { recursive: true })
  writeFileSync('dist/package.json', '{"type":"commonjs"}\n')
  const { metafile } = await esbuild.build({
    ...options,
    metafile: true,
    plugins: [apart, generated],
    entryPoints: tools.map((name) => ({ in: `run:${name}`, out: name })),
    outdir: 'dist/lib',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    sourcemap: 'linked',
    alias,
    banner: { js: 'var importMetaUrl=require("node:url").pathToFileURL(__filename).href;' },
    define: {
      ...options.define,
      'import.meta.url': 'importMetaUrl',
      // yargs asks for it as it is loaded, and a touch of process.stdout makes a pipe there non-blocking
      'process.stdout.columns': 'undefined',
    },
  })
  const inputs = Object.keys(metafile.inputs)
  for (const { file, contents } of Object.values(large)) {
    const { metafile } = await esbuild.build({
      ...options,
      metafile: true,
      stdin: { contents, resolveDir: '.', loader: 'ts' },
      outfile: join('dist/lib', file),
      format: 'cjs',
    })
    inputs.push(...Object.keys(metafile.inputs))
  }
  writeFileSync('dist/LICENSES', licenses(inputs))
  for (const name of readdirSync('dist/bin')) if (!tools.includes(name)) rmSync(join('dist/bin', name))
  for (const name of tools) {
    writeFileSync(join('dist/bin', name), `#!/usr/bin/env node\nrequire('../lib/${name}.js')\n`)
    chmodSync(join('dist/bin', name), 0o755)
  }
}

/** Of each package whose code stands in a bundle: its name, version, licence and the licence's text, which must go with it. */
function licenses(inputs) {
  // peggy's parser and AssemblyScript's library are in what they make
  const makers = ['node_modules/peggy', 'node_modules/assemblyscript']
  const folders = inputs.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]).filter(Boolean)
  return [...new Set([...makers, ...folders])]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      const file = readdirSync(folder).find((name) => /^licen[sc]e/i.test(name))
      return `${name} ${version}: ${license}\n\n${file ? readFileSync(join(folder, file), 'utf8').trim() : ''}\n`
    })
    .join('\n----\n\n')
}

/** What the tests start, or a person. */
const programs = [
  'lab/nested.ts',
  'faults/worker.ts',
  'fuzz/worker.ts',
  'sim/sim.ts',
  'soak/soak.ts',
  'soak/collect.ts',
  'soak/load.ts',
  'soak/witness.ts',
  'hostile/guest.ts',
]

async function bundleTests() {
  rmSync('dist/test', { recursive: true, force: true })
  const entryPoints = readdirSync('test', { recursive: true })
    .filter((name) => name.endsWith('.test.ts') || programs.includes(name))
    .map((name) => join('test', name))
  await esbuild.build({
    ...options,
    entryPoints,
    outdir: 'dist/test',
    outbase: 'test',
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    packages: 'external',
    sourcemap: 'inline',
  })
}

/** The fuzzer, with all of lib/ counting which ways its branches go. */
async function bundleFuzzer() {
  const { coverage, instrumentWasm } = await import('./test/fuzz/instrument.mjs')
  mkdirSync('dist/fuzz', { recursive: true })
  instrumentWasm('dist/index.wasm', 'dist/fuzz/index.wasm')
  const { plugin, banner } = coverage(parserOf)
  const counted = {
    name: 'counted',
    setup(build) {
      build.onResolve({ filter: /assembly\/index\.wasm$/ }, () => ({ path: resolve('dist/fuzz/index.wasm') }))
    },
  }
  await esbuild.build({
    ...options,
    entryPoints: ['test/fuzz/worker.ts', 'test/fuzz/fuzz.ts'],
    plugins: [counted, plugin, generated],
    outdir: 'dist/fuzz',
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    packages: 'external',
    sourcemap: 'inline',
    banner: { js: banner },
  })
}

/** Writes SYNOPSIS and OPTIONS of the man pages anew, between their marks. */
async function manPages() {
  await esbuild.build({
    ...options,
    stdin: {
      contents: `export { synopsis, options } from './lib/cli/manual.ts'\n${tools.map((t, i) => `export { default as tool${i} } from './tools/${t}.ts'`).join('\n')}`,
      resolveDir: process.cwd(),
      loader: 'ts',
    },
    outfile: 'dist/manual.mjs',
    format: 'esm',
    packages: 'external',
  })
  const { synopsis, options: optionsOf, ...all } = await import(resolve('dist/manual.mjs'))
  for (const tool of Object.values(all)) {
    const page = `man/${tool.spec.name}.1`
    let text = readFileSync(page, 'utf8')
    for (const [name, make] of [
      ['SYNOPSIS', synopsis],
      ['OPTIONS', optionsOf],
    ])
      text = text.replace(
        new RegExp(`(\\.\\\\" BEGIN GENERATED ${name}\\n)[\\s\\S]*?(\\.\\\\" END GENERATED ${name})`),
        (_whole, begin, end) => `${begin}${make(tool)}\n${end}`,
      )
    writeFileSync(page, text)
  }
}

await webAssembly()
await bundleTools()
if (process.argv.includes('--tests')) await bundleTests()
if (process.argv.includes('--fuzz')) await bundleFuzzer()
if (process.argv.includes('--docs')) await manPages()
