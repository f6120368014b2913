"""What may be attached: total size and file types (contract §3)."""

from __future__ import annotations

MAX_TOTAL_BASE64 = 40 * 1024 * 1024
"""All attachments of an email together, in base64."""

_BLOCKED_LIST = (
    "adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins isp its js jse ksh lib lnk"
    " mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz msc msh msh1 msh2 mshxml msh1xml msh2xml"
    " msi msp mst ops pcd pif plg prf prg ps1 ps1xml ps2 ps2xml psc1 psc2 reg scf scr sct shb shs sys tmp url vb"
    " vbe vbs vps vsmacros vss vst vsw vxd ws wsc wsf wsh xnk"
)
_BLOCKED = frozenset(_BLOCKED_LIST.split(" "))


def is_blocked(filename: str) -> bool:
    """True for files that mailbox providers refuse whole messages for."""
    return filename.rstrip(". ").rpartition(".")[2].lower() in _BLOCKED if "." in filename else False


def base64_size(size: int) -> int:
    """Length of `size` bytes in base64."""
    return (size + 2) // 3 * 4
