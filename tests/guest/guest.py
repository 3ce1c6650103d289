"""One test guest: its definition, its balloon as libvirt sees it, and a shell inside it."""

import base64
import pathlib
import re
import socket
import time
import uuid

BOOT_TIMEOUT_S = 30
RUN_TIMEOUT_S = 60
MIB_KIB = 1024

DOMAIN_XML = """
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  {max_memory}
  <memory unit='KiB'>{memory_kib}</memory>
  <currentMemory unit='KiB'>{memory_kib}</currentMemory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{kernel}</kernel>
    <initrd>{initramfs}</initrd>
    <cmdline>console=ttyS0 quiet {cmdline}</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='custom' match='exact'><model>qemu64</model>{numa}</cpu>
  {sleep}
  <on_reboot>restart</on_reboot>
  <on_crash>preserve</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <serial type='file'><source path='{console}'/><target port='0'/></serial>
    <serial type='unix'><source mode='bind' path='{channel}'/><target port='1'/></serial>
    {disk}
    {virtio_mem}
    {balloon}
    <panic model='isa'/>
  </devices>
</domain>
"""
SLEEP_XML = "<pm><suspend-to-mem enabled='yes'/></pm>"
MAX_MEMORY_XML = "<maxMemory slots='2' unit='KiB'>{kib}</maxMemory>"
# libvirt plugs memory into NUMA nodes only.
NUMA_XML = "<numa><cell id='0' cpus='0' memory='{kib}' unit='KiB'/></numa>"
DIMM_XML = """
<memory model='dimm'>
  <target><size unit='KiB'>{kib}</size><node>0</node></target>
</memory>
"""
VIRTIO_MEM_XML = """
<memory model='virtio-mem'>
  <target>
    <size unit='KiB'>{kib}</size><node>0</node><block unit='KiB'>2048</block>
    <requested unit='KiB'>0</requested>
  </target>
</memory>
"""
# Of format qcow2 libvirt keeps a guest's snapshots in it.
DISK_XML = """
<disk type='file' device='disk'>
  <driver name='qemu' type='{format}'/><source file='{path}'/><target dev='vda' bus='virtio'/>
</disk>
"""
BALLOON_XML = ("<memballoon model='virtio' autodeflate='{autodeflate}' freePageReporting='{reporting}'>"
               "{stats}</memballoon>")
NO_BALLOON_XML = "<memballoon model='none'/>"


class Guest:
    """autodeflate: the guest takes memory back when it runs out. stats_period_s: None leaves it
    unset. balloon=False: no balloon device at all. max_memory_mib: memory can be plugged in, up
    to that. virtio_mem_mib: a virtio-mem device of that size, nothing of it plugged in.
    persistent: defined first, so that it can be saved. disk: a file, /dev/vda in the guest.
    free_page_reporting=False: the host holds what the guest has touched once. sleeps: it can be
    suspended to memory."""

    def __init__(self, lab, name: str, memory_mib: int = 512, autodeflate: bool = True,
                 stats_period_s: int | None = 1, balloon: bool = True, cmdline: str = "",
                 max_memory_mib: int | None = None, virtio_mem_mib: int | None = None,
                 persistent: bool = False, disk: pathlib.Path | None = None,
                 disk_format: str = "qcow2", domain_uuid: str | None = None,
                 free_page_reporting: bool = True, sleeps: bool = False):
        self.name = name
        self.memory_kib = memory_mib * MIB_KIB
        self.uuid = domain_uuid or str(uuid.uuid4())
        self._persistent = persistent
        self._lab = lab
        self._console = lab.folder / f"{name}.console"
        self._channel = lab.folder / f"{name}.sock"
        self._socket = None
        self._buffer = b""
        self._next_id = 1
        stats = f"<stats period='{stats_period_s}'/>" if stats_period_s else ""
        self._xml = DOMAIN_XML.format(
            name=name, uuid=self.uuid,
            disk=DISK_XML.format(path=disk, format=disk_format) if disk else "",
            virtio_mem=VIRTIO_MEM_XML.format(kib=virtio_mem_mib * MIB_KIB)
            if virtio_mem_mib else "",
            max_memory=MAX_MEMORY_XML.format(kib=max_memory_mib * MIB_KIB) if max_memory_mib else "",
            numa=NUMA_XML.format(kib=self.memory_kib) if max_memory_mib else "",
            sleep=SLEEP_XML if sleeps else "",
            memory_kib=self.memory_kib, kernel=lab.image.kernel,
            initramfs=lab.image.initramfs, cmdline=cmdline, console=self._console,
            channel=self._channel,
            balloon=BALLOON_XML.format(autodeflate="on" if autodeflate else "off", stats=stats,
                                       reporting="on" if free_page_reporting else "off")
            if balloon else NO_BALLOON_XML)

    def start(self) -> None:
        self._create()
        self.connect()

    def connect(self) -> None:
        """Its channel; anew where its QEMU is another now."""
        self.close()
        self._buffer = b""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(self._channel))

    def start_paused(self) -> None:
        self._create("--paused")

    def _create(self, *options) -> None:
        path = self._lab.folder / f"{self.name}.xml"
        path.write_text(self._xml)
        if self._persistent:
            self._lab.virsh("define", path)
            self._lab.virsh("start", self.name, *options)
        else:
            self._lab.virsh("create", path, *options)

    def wait_ready(self) -> None:
        """Until the first process in the guest listens; also after a reboot."""
        try:
            while self._line(BOOT_TIMEOUT_S) != "READY":
                pass
        except TimeoutError as error:
            raise TimeoutError(f"{self.name} does not come up:\n{self.console()}") from error

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def destroy(self) -> None:
        self.close()
        self._lab.guests.pop(self.name, None)
        self._lab.virsh("destroy", self.name)
        if self._persistent:
            self._lab.virsh("undefine", self.name, "--managed-save", "--snapshots-metadata")

    # --- from outside

    def emulator_pid(self) -> int:
        """Its QEMU's process, as this process sees it."""
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                inside = self._lab.contains(folder)
            except OSError:
                continue  # it has ended
            if inside and any(word.startswith(f"guest={self.name},".encode()) for word in words):
                return int(folder.name)
        raise RuntimeError(f"{self.name} has no emulator")

    def console(self) -> str:
        # The file is root's own in the lab's folder; the kernel writes what it likes.
        return pathlib.Path(self._console).read_text(errors="replace")

    def dommemstat(self) -> dict[str, int]:
        words = self._lab.virsh("dommemstat", self.name).split()
        return dict(zip(words[::2], map(int, words[1::2])))

    def actual_kib(self) -> int:
        """The balloon as libvirt tells it: what the guest keeps."""
        text = self._lab.virsh("domstats", "--balloon", "--nowait", self.name)
        return int(re.search(r"balloon\.current=(\d+)", text).group(1))

    def set_memory_kib(self, kib: int) -> None:
        self._lab.virsh("setmem", self.name, f"{kib}KiB", "--live")

    def plug_dimm(self, mib: int) -> None:
        self.plug(DIMM_XML.format(kib=mib * MIB_KIB))

    def plug(self, device_xml: str) -> None:
        path = self._lab.folder / f"{self.name}-device.xml"
        path.write_text(device_xml)
        self._lab.virsh("attach-device", self.name, path, "--live")

    def request_virtio_mem(self, mib: int) -> None:
        """How much of its virtio-mem device is to be plugged in."""
        self._lab.virsh("update-memory-device", self.name, "--requested-size", f"{mib}MiB", "--live")

    def state(self) -> str:
        """As virsh tells it, with the reason: "running (booted)"."""
        return self._lab.virsh("domstate", self.name, "--reason").strip()

    # --- from inside

    def run(self, script: str, timeout_s: float = RUN_TIMEOUT_S) -> tuple[int, str]:
        """Exit status and output of a shell script in the guest."""
        request = self._next_id
        self._next_id += 1
        encoded = base64.b64encode(script.encode()).decode()
        self._socket.sendall(f"{request} {encoded}\n".encode())
        while True:
            # An earlier request that timed out may still answer: its number differs.
            words = self._line(timeout_s).split(" ")
            if words[0] == str(request):
                output = base64.b64decode(words[2]) if len(words) > 2 else b""
                return int(words[1]), output.decode(errors="replace")

    def panic(self) -> None:
        """Its kernel ends."""
        self.send("echo c >/proc/sysrq-trigger")

    def send(self, script: str) -> None:
        """Runs a script in the guest whose end is not waited for."""
        encoded = base64.b64encode(script.encode()).decode()
        self._socket.sendall(f"0 {encoded}\n".encode())

    def check(self, script: str, timeout_s: float = RUN_TIMEOUT_S) -> str:
        """Output of a script that must succeed."""
        status, output = self.run(script, timeout_s)
        if status != 0:
            raise RuntimeError(f"{self.name}: {script!r} ended with {status}:\n{output}")
        return output

    def meminfo_kib(self, field: str) -> int:
        return int(self.check(f"grep '^{field}:' /proc/meminfo").split()[1])

    def vmstat(self) -> dict[str, int]:
        words = self.check("cat /proc/vmstat").split()
        return dict(zip(words[::2], map(int, words[1::2])))

    def _line(self, timeout_s: float) -> str:
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._buffer:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError(f"{self.name}: no answer within {timeout_s} s")
            self._socket.settimeout(remaining)
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionError(f"{self.name}: the guest is gone")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode(errors="replace").strip()
