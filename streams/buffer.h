/* Bytes that grow while they are written. */
#ifndef NETGROWTH_BUFFER_H
#define NETGROWTH_BUFFER_H

#ifndef PY_SSIZE_T_CLEAN
#define PY_SSIZE_T_CLEAN
#endif
#include <Python.h>
#include <string.h>

typedef struct {
    char *bytes;
    size_t length, room;
} Buffer;

/* Makes room for so many bytes more; -1 with an exception. */
__attribute__((unused)) static int make_room(Buffer *buffer, size_t more)
{
    if (buffer->room - buffer->length >= more)
        return 0;
    size_t room = buffer->room * 2 + more + 1024;
    char *bytes = PyMem_Realloc(buffer->bytes, room);
    if (bytes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    buffer->bytes = bytes;
    buffer->room = room;
    return 0;
}

__attribute__((unused)) static int write_bytes(Buffer *buffer, const char *bytes, size_t length)
{
    if (make_room(buffer, length) < 0)
        return -1;
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
    return 0;
}

#endif
