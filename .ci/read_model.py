"""Opens a model with the safetensors package and checks its parts and its checksum."""
import hashlib
import json
import sys
from pathlib import Path

from safetensors import safe_open

path = Path(sys.argv[1])
with safe_open(path, framework="numpy") as model:
    header = json.loads(model.metadata()["patchcore"])
    bank, origin = model.get_tensor("bank"), model.get_tensor("bank_origin")
    fingerprint = model.get_tensor("fingerprint")
assert header["format_version"] == 3, header["format_version"]
assert bank.dtype == "float32" and bank.shape[0] == origin.shape[0], (bank.shape, origin.shape)
assert origin[:, 0].max() < len(header["training"]["pictures"])
assert fingerprint.shape == (len(header["training"]["pictures"]), 68), fingerprint.shape
data = path.read_bytes()
assert hashlib.sha256(data[:-32]).digest() == data[-32:]
print(f"{path.name}: bank {bank.shape}, {len(header['training']['pictures'])} training pictures, checksum right")
