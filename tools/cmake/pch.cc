#include "tools/cmake/pch.h"
