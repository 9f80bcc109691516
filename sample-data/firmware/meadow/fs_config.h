/* The SDK's limits for Meadow. */
#pragma once
#define FS_QUEUE_SIZE 1536
#define FS_STORE_SIZE (16 * 1024)
#define FS_TASK_STACK 256
#define FS_LOG_SIZE 768
#define FS_LOG_HOLD_MS (30 * 60 * 1000)
