"""What is asked of the operating system for each connection."""

import socket

from emosense.ui.uvicorn_internals import UvicornConnection


def test_no_part_of_an_answer_waits_for_the_confirmation_of_another():
    """The socket is made as Streamlit makes it: not for TCP by name, so that asyncio passes it over."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client,
    ):
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        client.connect(listening.getsockname())
        connected, _ = listening.accept()

        class Transport:
            def set_write_buffer_limits(self, high):
                pass

            def get_extra_info(self, name):
                return connected

        class Cycle:
            transport = Transport()

            class flow:
                @staticmethod
                async def drain():
                    pass

            async def send(self, message):
                pass

        with connected:
            assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0
            UvicornConnection(Cycle().send)
            assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
