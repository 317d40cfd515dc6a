# cmake --install: binaries, libraries, public headers, and a package for find_package(leat).

include(CMakePackageConfigHelpers)

set(libraries leat_asio leat_record leat_proto leat_wire leat_env leat_log leat_storage leat_broker leat_client)
install(TARGETS ${libraries} EXPORT leatTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS leatd leat leat-bench RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY protocol storage broker client DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/leat
        FILES_MATCHING PATTERN "*.h" PATTERN examples EXCLUDE)
install(FILES ${CMAKE_BINARY_DIR}/generated/protocol/wire/leat.pb.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/leat/protocol/wire)
install(FILES protocol/wire/leat.proto DESTINATION ${CMAKE_INSTALL_DATADIR}/leat)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/leat)
install(EXPORT leatTargets NAMESPACE leat:: DESTINATION ${package_dir})
configure_package_config_file(tools/cmake/leatConfig.cmake.in ${CMAKE_BINARY_DIR}/leatConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/leatConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/leatConfig.cmake ${CMAKE_BINARY_DIR}/leatConfigVersion.cmake
        DESTINATION ${package_dir})
