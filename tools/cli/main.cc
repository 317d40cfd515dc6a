#include "tools/cli/command_line.h"

int main(int argc, char** argv) { return leat::RunCommandLine(argc, argv); }
