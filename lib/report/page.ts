/**
 * The page: one HTML file that needs nothing else and may load nothing else. Its data is JSON in a script element
 * that the browser does not run; `<` is escaped in it, so that nothing a guest wrote can end that element. The
 * Content-Security-Policy names the one script and the one style sheet by their hashes.
 */
import { createHash } from 'node:crypto'
import { script, style } from 'report-page'
import type { PageData } from './page-data.js'

export function pageOf(data: PageData): string {
  const policy = `default-src 'none'; script-src '${hash(script)}'; style-src '${hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="vmpipe ${data.version}">
<link rel="icon" href="data:,">
<title>${escaped(data.title)}</title>
<style>${style}</style>
<body>
<noscript>This page draws its pictures with the script that is in it; the browser has scripts turned off.</noscript>
<main id="page"></main>
<script type="application/json" id="data">${inScript(data)}</script>
<script>${script}</script>
</body>
</html>
`
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

function inScript(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
