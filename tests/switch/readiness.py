"""Is a program there yet? One probe for each kind, on loopback; each answers at once, yes or no.

Used as conditions of `wait_for`, so that a start is over when the program serves, not when some time has passed.
"""

import socket


def accepts_tcp(port: int) -> bool:
    """Whether somebody takes a TCP connection (a broker)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
        return stream.connect_ex(("127.0.0.1", port)) == 0


def takes_udp(port: int) -> bool:
    """Whether somebody has bound the UDP port (a telephone that waits for calls)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        try:
            datagram.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def answers_sip(port: int) -> bool:
    """Whether a SIP OPTIONS request gets a 200 (a switch)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.settimeout(0.2)
        datagram.connect(("127.0.0.1", port))
        own: int = datagram.getsockname()[1]
        request = (
            f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{own};branch=z9hG4bKready{own}\r\n"
            f"From: <sip:lab@lab>;tag={own}\r\nTo: <sip:lab@lab>\r\n"
            f"Call-ID: ready-{own}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\nContent-Length: 0\r\n\r\n"
        )
        try:
            datagram.send(request.encode())
            return datagram.recv(2_000).startswith(b"SIP/2.0 200")
        except OSError:
            return False
