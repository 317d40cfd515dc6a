#include "tests/storage/log_world.h"
