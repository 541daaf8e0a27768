/**
 * Coverage for the fuzzer: the WebAssembly module and the TypeScript of lib/ with a counter at each way that a branch
 * can go. (jazzer.js sees JavaScript only; what reads hostile bytes here is WebAssembly.)
 *
 * Where a condition is taken, `edge(condition, n)` counts counter n, else n + 1, and answers the condition. Counters
 * are bytes: those of the module stand in the last 64 KiB of its memory, which nothing else reaches in a test, those
 * of JavaScript in the array `edges` of the global object.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import binaryen from 'assemblyscript/binaryen'
import ts from 'typescript'

/** The last 64 KiB of 256 MiB. */
const MAP = (1 << 28) - (1 << 16)
const MOST = 1 << 16

/** Answers how many counters there are. */
export function instrumentWasm(from, to) {
  binaryen.setOptimizeLevel(2)
  const module = binaryen.readBinary(readFileSync(from))
  const { MutableGlobals, BulkMemory, BulkMemoryOpt = 0, SIMD128, SignExt, NontrappingFPToInt } = binaryen.Features
  module.setFeatures(MutableGlobals | BulkMemory | BulkMemoryOpt | SIMD128 | SignExt | NontrappingFPToInt)
  const { i32 } = binaryen
  let used = 0
  const take = (n) => {
    used += n
    if (used > MOST) throw new Error('more branches than counters')
    return used - n
  }
  const count = (address) =>
    module.i32.store8(0, 0, address(), module.i32.add(module.i32.load8_u(0, 0, address()), module.i32.const(1)))
  const local = (n) => module.local.get(n, i32)
  const functions = Array.from({ length: module.getNumFunctions() }, (_, n) => module.getFunctionByIndex(n))
  // value, first counter, last of them: 0, 1 and more
  const which = () => module.i32.add(local(1), module.select(module.i32.gt_u(local(0), local(2)), local(2), local(0)))
  module.addFunction(
    'edge',
    binaryen.createType([i32, i32, i32]),
    i32,
    [i32],
    module.block(null, [module.local.set(3, which()), count(() => local(3)), local(0)], i32),
  )
  const edge = (condition, ways) =>
    module.call('edge', [condition, module.i32.const(MAP + take(ways)), module.i32.const(ways - 1)], i32)
  for (const one of functions) {
    const info = binaryen.getFunctionInfo(one)
    if (info.module !== '') continue
    visit(info.body)
    const entry = take(1)
    binaryen.Function.setBody(
      one,
      module.block(
        null,
        [count(() => module.i32.const(MAP + entry)), info.body],
        binaryen.getExpressionType(info.body),
      ),
    )
  }

  function visit(expression) {
    const id = binaryen.getExpressionId(expression)
    // binaryen.js knows nothing of these two
    if (id === binaryen.ConstId || id === binaryen.NopId || id === binaryen.UnreachableId) return
    const info = binaryen.getExpressionInfo(expression)
    for (const name of [
      'condition',
      'ifTrue',
      'ifFalse',
      'body',
      'value',
      'ptr',
      'left',
      'right',
      'size',
      'dest',
      'source',
      'vec',
      'a',
      'b',
      'c',
      'shift',
      'delta',
    ])
      if (info[name]) visit(info[name])
    for (const child of [...(info.children ?? []), ...(info.operands ?? [])]) visit(child)
    if (id === binaryen.IfId) binaryen.If.setCondition(expression, edge(info.condition, 2))
    if (id === binaryen.SelectId) binaryen.Select.setCondition(expression, edge(info.condition, 2))
    if (id === binaryen.BreakId && info.condition) binaryen.Break.setCondition(expression, edge(info.condition, 2))
    if (id === binaryen.SwitchId) binaryen.Switch.setCondition(expression, edge(info.condition, info.names.length + 1))
  }

  if (!module.validate()) throw new Error('the instrumented module is not sound')
  module.optimize()
  writeFileSync(to, module.emitBinary())
  return used
}

const counted = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
])

/** TypeScript or JavaScript with counters from `first` on; `next` is the one after the last. */
export function instrumentScript(path, text, first) {
  let next = first
  const { factory: f } = ts
  const edge = (condition) => {
    next += 2
    return f.createCallExpression(f.createIdentifier('edge'), undefined, [condition, f.createNumericLiteral(next - 2)])
  }
  const entry = () => f.createExpressionStatement(edge(f.createTrue()))
  const transform = (context) => (root) => {
    const visit = (old) => {
      const node = ts.visitEachChild(old, visit, context)
      if (ts.isIfStatement(node))
        return f.updateIfStatement(node, edge(node.expression), node.thenStatement, node.elseStatement)
      if (ts.isWhileStatement(node)) return f.updateWhileStatement(node, edge(node.expression), node.statement)
      if (ts.isDoStatement(node)) return f.updateDoStatement(node, node.statement, edge(node.expression))
      if (ts.isForStatement(node) && node.condition)
        return f.updateForStatement(node, node.initializer, edge(node.condition), node.incrementor, node.statement)
      if (ts.isConditionalExpression(node))
        return f.updateConditionalExpression(
          node,
          edge(node.condition),
          node.questionToken,
          node.whenTrue,
          node.colonToken,
          node.whenFalse,
        )
      if (ts.isBinaryExpression(node) && counted.has(node.operatorToken.kind))
        return f.updateBinaryExpression(node, edge(node.left), node.operatorToken, node.right)
      if (ts.isCaseClause(node)) return f.updateCaseClause(node, node.expression, [entry(), ...node.statements])
      if (ts.isBlock(node) && ts.isFunctionLike(old.parent)) return f.updateBlock(node, [entry(), ...node.statements])
      return node
    }
    return ts.visitNode(root, visit)
  }
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true)
  const { transformed } = ts.transform(source, [transform])
  return { text: ts.createPrinter().printFile(transformed[0]), next }
}

/** An esbuild plugin that counts in lib/, and what stands before all else in its bundle. */
export function coverage(peggyText) {
  let next = 0
  const instrumented = (path, text, loader) => {
    const made = instrumentScript(path, text, next)
    next = made.next
    if (next > MOST) throw new Error('more branches than counters')
    return { contents: made.text, loader }
  }
  return {
    banner: `globalThis.edges=new Uint8Array(${MOST});function edge(v,n){globalThis.edges[v?n:n+1]++;return v}`,
    plugin: {
      name: 'coverage',
      setup(build) {
        build.onLoad({ filter: /\/lib\/.*\.ts$/ }, ({ path }) => instrumented(path, readFileSync(path, 'utf8'), 'ts'))
        build.onLoad({ filter: /\.peggy$/ }, ({ path }) =>
          instrumented(path.replace('.peggy', '.js'), peggyText(path), 'js'),
        )
      },
    },
  }
}
