"""Builds the kernel and initramfs that test guests boot: Debian's cloud kernel and static busybox.

Nothing is installed: the packages are downloaded with apt, unpacked into the cache folder, and
stay there for the next run.
"""

import gzip
import hashlib
import lzma
import os
import pathlib
import re
import shutil
import subprocess

# In the order they must be inserted.
MODULES = [
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "virtio_balloon",
    "virtio_blk",
    "virtio_mem",
    "pvpanic",
    "pvpanic-mmio",
]
HERE = pathlib.Path(__file__).resolve().parent
DEFAULT_CACHE = HERE.parent.parent / "build" / "guest-image"


class Image:
    def __init__(self, kernel: pathlib.Path, initramfs: pathlib.Path):
        self.kernel = kernel
        self.initramfs = initramfs


def cache_folder() -> pathlib.Path:
    return pathlib.Path(os.environ.get("BALLAST_GUEST_CACHE", DEFAULT_CACHE)).resolve()


def build(cache: pathlib.Path) -> Image:
    """The image in `cache`, built first if it is not there or its recipe has changed."""
    cache.mkdir(parents=True, exist_ok=True)
    image = Image(cache / "vmlinuz", cache / "initramfs.gz")
    stamp = cache / "recipe"
    recipe = _recipe()
    if stamp.exists() and stamp.read_text() == recipe:
        return image
    stamp.unlink(missing_ok=True)

    kernel_tree = _unpack(cache, _kernel_package())
    busybox_tree = _unpack(cache, "busybox-static")
    shutil.copyfile(_only(kernel_tree.glob("boot/vmlinuz-*"), "kernel"), image.kernel)

    root = cache / "root"
    shutil.rmtree(root, ignore_errors=True)
    (root / "bin").mkdir(parents=True)
    (root / "modules").mkdir()
    shutil.copy(_only(busybox_tree.glob("**/bin/busybox"), "busybox"), root / "bin" / "busybox")
    shutil.copy(HERE / "guest_init", root / "init")
    (root / "init").chmod(0o755)
    for module in MODULES:
        (root / "modules" / f"{module}.ko").write_bytes(_module(kernel_tree, module))
    (root / "modules" / "order").write_text("\n".join(MODULES) + "\n")
    _pack(root, image.initramfs)
    stamp.write_text(recipe)
    return image


def _recipe() -> str:
    text = (HERE / "guest_init").read_bytes() + pathlib.Path(__file__).read_bytes()
    return hashlib.sha256(text).hexdigest()


def _kernel_package() -> str:
    """The package behind the meta-package linux-image-cloud-amd64."""
    text = _run("apt-cache", "depends", "linux-image-cloud-amd64")
    found = re.search(r"Depends: (linux-image-\S+-cloud-amd64)", text)
    if not found:
        raise RuntimeError("apt knows no linux-image-cloud-amd64: run apt-get update")
    return found.group(1)


def _unpack(cache: pathlib.Path, package: str) -> pathlib.Path:
    tree = cache / package
    if tree.exists():
        return tree
    download = cache / "download"
    shutil.rmtree(download, ignore_errors=True)
    download.mkdir()
    # apt's own user may not write here; the caller is root anyway.
    _run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package, cwd=download)
    partial = cache / f"{package}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    _run("dpkg-deb", "-x", _only(download.glob("*.deb"), package), partial)
    partial.rename(tree)
    shutil.rmtree(download)
    return tree


def _module(kernel_tree: pathlib.Path, name: str) -> bytes:
    path = _only(kernel_tree.glob(f"**/{name}.ko*"), f"module {name}")
    if path.suffix == ".xz":
        return lzma.decompress(path.read_bytes())
    if path.suffix != ".ko":
        raise RuntimeError(f"{path}: compressed in a way this script does not read")
    return path.read_bytes()


def _pack(root: pathlib.Path, initramfs: pathlib.Path) -> None:
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    archive = subprocess.run(
        [root / "bin" / "busybox", "cpio", "-o", "-H", "newc"],
        cwd=root,
        input="\n".join(names).encode() + b"\n",
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    ).stdout
    initramfs.write_bytes(gzip.compress(archive, compresslevel=1, mtime=0))


def _only(paths, what: str) -> pathlib.Path:
    found = list(paths)
    if len(found) != 1:
        raise RuntimeError(f"expected one {what}, found {found}")
    return found[0]


def _run(*command, cwd=None) -> str:
    result = subprocess.run(
        [str(word) for word in command], cwd=cwd, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, check=False,
    )
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {result.stderr.strip()}")
    return result.stdout
