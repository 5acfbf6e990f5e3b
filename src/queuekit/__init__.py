"""
A typed message queue: reliable and FIFO, over Redis/Valkey, SQLite and memory.

    from queuekit import ReliableQueue

    jobs = ReliableQueue("jobs", "sqlite:///jobs.db")
    jobs.put({"to": "ada"})
    with jobs.get(block=True) as message:
        print(message.body)
"""

from ._batch import Batch
from ._bodies import Bodies
from ._bodies_async import AsyncBodies
from ._hooks import Hooks
from ._letters import DeadLetter
from ._messages import Messages
from ._messages_async import AsyncMessages
from ._policy import RetryPolicy
from ._put_options import MessageId
from ._serving import Worker
from ._serving_async import AsyncWorker
from ._tally import RunReport
from .abilities import (
    AsyncLimiting,
    AsyncMarking,
    AsyncWaitingForAny,
    Delaying,
    Limiting,
    Limits,
    Marking,
    Threading,
    WaitingForAny,
)
from .backends.async_sqlite import AsyncSQLiteTransport
from .backends.memory import AsyncMemoryTransport, MemoryTransport
from .backends.redis.transport import RedisTransport
from .backends.redis.transport_async import AsyncRedisTransport
from .backends.sqlite import SQLiteTransport
from .backends.threaded import ThreadedTransport
from .dead import DeadLetters
from .dead_async import AsyncDeadLetters
from .errors import (
    BodyTooLarge,
    ConfigurationError,
    DecodeError,
    EncodeError,
    LeaseLost,
    NotConfirmed,
    QueueFull,
    QueueKitError,
    SerializationError,
    TransportClosed,
    TransportError,
    TransportUnavailable,
    Unsupported,
)
from .message import Message
from .message_async import AsyncMessage
from .once import Once
from .once_async import AsyncOnce
from .queue import Queue
from .queue_async import AsyncQueue
from .reliable import ReliableQueue
from .reliable_async import AsyncReliableQueue
from .serializer import Serializer
from .transport import (
    AsyncFifoTransport,
    AsyncTransport,
    Dedup,
    Delivery,
    Durability,
    Features,
    FifoTransport,
    PushOptions,
    QueueStats,
    Receipt,
    Transport,
)
from .worker import WorkerFunction
from .worker_async import AsyncWorkerFunction

__version__ = "0.1.0"

__all__ = [
    "AsyncBodies",
    "AsyncDeadLetters",
    "AsyncFifoTransport",
    "AsyncLimiting",
    "AsyncMarking",
    "AsyncMemoryTransport",
    "AsyncMessage",
    "AsyncMessages",
    "AsyncOnce",
    "AsyncQueue",
    "AsyncRedisTransport",
    "AsyncReliableQueue",
    "AsyncSQLiteTransport",
    "AsyncTransport",
    "AsyncWaitingForAny",
    "AsyncWorker",
    "AsyncWorkerFunction",
    "Batch",
    "Bodies",
    "BodyTooLarge",
    "ConfigurationError",
    "DeadLetter",
    "DeadLetters",
    "DecodeError",
    "Dedup",
    "Delaying",
    "Delivery",
    "Durability",
    "EncodeError",
    "Features",
    "FifoTransport",
    "Hooks",
    "LeaseLost",
    "Limiting",
    "Limits",
    "Marking",
    "MemoryTransport",
    "Message",
    "MessageId",
    "Messages",
    "NotConfirmed",
    "Once",
    "PushOptions",
    "Queue",
    "QueueFull",
    "QueueKitError",
    "QueueStats",
    "Receipt",
    "RedisTransport",
    "ReliableQueue",
    "RetryPolicy",
    "RunReport",
    "SQLiteTransport",
    "SerializationError",
    "Serializer",
    "ThreadedTransport",
    "Threading",
    "Transport",
    "TransportClosed",
    "TransportError",
    "TransportUnavailable",
    "Unsupported",
    "WaitingForAny",
    "Worker",
    "WorkerFunction",
    "__version__",
]
