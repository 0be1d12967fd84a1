"""Makes a chain on a loopback node: transfers, deployments, storage and logs, 10 to 100 transactions a block.

No slot is set to zero: anvil 1.7.1 keeps zero values in its storage tries, so that its roots are no longer Ethereum's.

Usage: chain.py URL BLOCKS
"""

import json
import random
import sys
import urllib.request

URL, BLOCKS = sys.argv[1], int(sys.argv[2])

# Stores the second word of the calldata in the slot of the first, and logs it.
RUNTIME = "6020356000355560203560005260003560206000a100"
LENGTH = len(RUNTIME) // 2
INIT = f"60{LENGTH:02x}600c60003960{LENGTH:02x}6000f3{RUNTIME}"


def rpc(method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(URL, body, {"content-type": "application/json"})
    answer = json.load(urllib.request.urlopen(request))
    if "error" in answer:
        raise SystemExit(f"{method}: {answer['error']}")
    return answer["result"]


def transaction(random, accounts, contracts):
    sender, kind = random.choice(accounts), random.random()
    if kind < 0.05 or not contracts:
        return {"from": sender, "data": f"0x{INIT}", "gas": "0x30d40"}
    if kind < 0.35:
        fresh = f"0x{random.getrandbits(160):040x}"
        to = random.choice([fresh, random.choice(accounts)])
        return {"from": sender, "to": to, "value": hex(random.randint(1, 10**15)), "gas": "0x5208"}
    slot, value = random.randint(0, 40), random.getrandbits(200) + 1
    return {"from": sender, "to": random.choice(contracts), "data": f"0x{slot:064x}{value:064x}", "gas": "0x186a0"}


def main():
    choice = random.Random(7)
    accounts, contracts = rpc("eth_accounts"), []
    rpc("evm_setAutomine", False)
    for _ in range(BLOCKS):
        count = choice.randint(10, 100)
        sent = [rpc("eth_sendTransaction", transaction(choice, accounts, contracts)) for _ in range(count)]
        rpc("evm_mine")
        for sent_hash in sent:
            receipt = rpc("eth_getTransactionReceipt", sent_hash)
            if receipt and receipt["contractAddress"] and receipt["status"] == "0x1":
                contracts.append(receipt["contractAddress"])
    print(f"{int(rpc('eth_blockNumber'), 16)} blocks")


main()
