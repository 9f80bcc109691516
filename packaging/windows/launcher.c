/* fieldscope.com: what a console starts when somebody types `fieldscope`, as its ending comes before .exe.
 *
 * fieldscope.exe is a program with a window, so that a double-click shows no console. For such programs a console does not
 * wait, and gives no exit code. This one is a console program: it starts fieldscope.exe with the same words and the same
 * standard handles, waits, and ends with its exit code. */
#include <windows.h>
#include <stdio.h>
#include <wchar.h>

enum { PATH_LENGTH = 32768, CANNOT_START = 2 };

/* Ctrl+C is for fieldscope.exe, which ends in its own time. A handler, as "ignore" would be inherited. */
static BOOL WINAPI leave_it_to_the_program(DWORD event) { return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT; }

int main(void)
{
    static wchar_t program[PATH_LENGTH];
    STARTUPINFOW startup = { .cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES };
    PROCESS_INFORMATION process;
    DWORD length = GetModuleFileNameW(NULL, program, PATH_LENGTH);
    DWORD exit_code = CANNOT_START;

    if (length < 4 || length >= PATH_LENGTH || _wcsicmp(program + length - 4, L".com") != 0) {
        fputs("fieldscope: FS-WIN-008: this launcher is called fieldscope.com and stands beside fieldscope.exe\n", stderr);
        return CANNOT_START;
    }
    wcscpy(program + length - 4, L".exe");
    startup.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    SetConsoleCtrlHandler(leave_it_to_the_program, TRUE);
    if (!CreateProcessW(program, GetCommandLineW(), NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process)) {
        fprintf(stderr, "fieldscope: FS-WIN-008: fieldscope.exe beside this launcher could not be started (Windows error %lu). "
                        "Install Fieldscope again\n", GetLastError());
        return CANNOT_START;
    }
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &exit_code);
    return (int)exit_code;
}
